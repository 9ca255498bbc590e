"""The schema for the console's operators: their table, the console sessions that they have ended, and their actions.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly
from db.migrations.tables import make_table

_TABLES: Final = {
    "operators": """
        id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT pk_operators PRIMARY KEY,
        name text NOT NULL,
        role text NOT NULL,
        password_hash text NOT NULL,
        session_stamp uuid DEFAULT gen_random_uuid() NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        disabled_at timestamptz,
        last_seen_at timestamptz,
        CONSTRAINT uq_operators_name UNIQUE (name),
        CONSTRAINT ck_operators_small_letters CHECK (name = lower(name))
    """,
    "console_sign_outs": """
        session_id uuid NOT NULL CONSTRAINT pk_console_sign_outs PRIMARY KEY,
        signed_out_at timestamptz DEFAULT now() NOT NULL
    """,
    "operator_actions": """
        id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT pk_operator_actions PRIMARY KEY,
        operator text NOT NULL,
        action text NOT NULL,
        state text DEFAULT 'begun' NOT NULL,
        connection_id uuid,
        subject text DEFAULT '' NOT NULL,
        note text DEFAULT '' NOT NULL,
        reason text DEFAULT '' NOT NULL,
        result text DEFAULT '' NOT NULL,
        done integer,
        total integer,
        waiting_for text DEFAULT '' NOT NULL,
        renewed_at timestamptz,
        began_at timestamptz DEFAULT now() NOT NULL,
        ended_at timestamptz
    """,
}

_INDEXES: Final = {
    "ix_operator_actions_began_at_id": f"{SCHEMA}.operator_actions (began_at, id)",
    "ix_operator_actions_connection_id_began_at_id": f"{SCHEMA}.operator_actions (connection_id, began_at, id)",
}


def add(connection: Raw) -> None:
    """Create the tables, with the owner and the grants of the table of connections."""
    for name, columns in _TABLES.items():
        make_table(connection, name, columns, like="zoho_connections")
    build_indexes(connection, _INDEXES)


def remove(connection: Raw) -> None:
    """Drop the tables with their indexes."""
    drop_indexes(connection, _INDEXES)
    briefly(connection, f"DROP TABLE IF EXISTS {', '.join(f'{SCHEMA}.{name}' for name in _TABLES)}")
