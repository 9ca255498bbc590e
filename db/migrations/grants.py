"""The schema for OAuth clients and grants: their tables, and the columns by which a connection refers to them.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.

The connections' own columns of tokens stay, because the former release reads and writes them. SQL has no encryption
keys, so the application makes the grants of existing connections (`workers/secrets/grants.py`).
"""

from typing import Final

from db.migrations.additions import add_columns, build_index, drop_columns, drop_index
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, at_length, briefly
from db.migrations.tables import make_table

_CONNECTIONS: Final = f"{SCHEMA}.zoho_connections"

_COLUMNS: Final = (
    "grant_id uuid",
    "grant_credentials text",
    "client text NOT NULL DEFAULT 'default'",
    "servers_encrypted text",
)

_TABLES: Final = {
    "zoho_clients": """
        id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT pk_zoho_clients PRIMARY KEY,
        name text NOT NULL,
        data_center text NOT NULL,
        client_id text NOT NULL,
        client_secret_encrypted text NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT uq_zoho_clients_name_data_center UNIQUE (name, data_center)
    """,
    "grants": """
        id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT pk_grants PRIMARY KEY,
        client text NOT NULL,
        data_center text NOT NULL,
        token_hash text NOT NULL,
        refresh_token_encrypted text NOT NULL,
        access_token_encrypted text,
        access_token_expires_at timestamptz,
        api_domain text,
        refreshed_at timestamptz[] DEFAULT '{}'::timestamptz[] NOT NULL,
        oauth_failing_since timestamptz,
        oauth_throttled_since timestamptz,
        no_refresh_before timestamptz,
        revoked_at timestamptz,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT uq_grants_client_data_center_token_hash UNIQUE (client, data_center, token_hash)
    """,
    "grant_hash_key": """
        id bigint DEFAULT 1 NOT NULL CONSTRAINT pk_grant_hash_key PRIMARY KEY,
        ciphertext text NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT ck_grant_hash_key_single CHECK (id = 1)
    """,
}

_REFERENCE: Final = f"""
    ALTER TABLE {_CONNECTIONS} DROP CONSTRAINT IF EXISTS fk_zoho_connections_grant_id;
    ALTER TABLE {_CONNECTIONS} ADD CONSTRAINT fk_zoho_connections_grant_id
        FOREIGN KEY (grant_id) REFERENCES {SCHEMA}.grants (id) NOT VALID
"""
_INDEX: Final = "ix_zoho_connections_grant_id"

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = f"SELECT WHERE to_regclass('{SCHEMA}.zoho_clients') IS NOT NULL"


def add(connection: Raw) -> None:
    """Add the tables and columns, where they are missing."""
    for name, columns in _TABLES.items():
        make_table(connection, name, columns, like="zoho_connections")
    add_columns(connection, _CONNECTIONS, _COLUMNS)
    briefly(connection, _REFERENCE)
    at_length(connection, f"ALTER TABLE {_CONNECTIONS} VALIDATE CONSTRAINT fk_zoho_connections_grant_id")
    build_index(connection, _INDEX, f"{_CONNECTIONS} (grant_id)")


def remove(connection: Raw) -> None:
    """Remove what `add` made. The connections' own columns have every token.

    A database that had left phase 2 before booksync had a schema of its own has nothing to remove.
    """
    if connection.execute("SELECT WHERE to_regclass(%s) IS NULL", [_CONNECTIONS]).fetchone() is not None:
        return
    drop_index(connection, _INDEX)
    drop_columns(connection, _CONNECTIONS, _COLUMNS, constraints=["fk_zoho_connections_grant_id"])
    briefly(connection, f"DROP TABLE IF EXISTS {', '.join(f'{SCHEMA}.{name}' for name in reversed(_TABLES))}")
