"""The schema for verifications: each connection's last comparison of its cache with Zoho, and the last findings.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly
from db.migrations.tables import make_table

_COLUMNS: Final = f"""
    connection_id uuid NOT NULL CONSTRAINT pk_verifications PRIMARY KEY
        CONSTRAINT fk_verifications_connection_id_zoho_connections REFERENCES {SCHEMA}.zoho_connections
        ON DELETE CASCADE,
    action_id uuid NOT NULL,
    findings jsonb,
    found_at timestamptz
"""


def add(connection: Raw) -> None:
    """Create the table, with the owner and the grants of the table of connections."""
    make_table(connection, "verifications", _COLUMNS, like="zoho_connections")


def remove(connection: Raw) -> None:
    """Drop the table."""
    briefly(connection, f"DROP TABLE IF EXISTS {SCHEMA}.verifications")
