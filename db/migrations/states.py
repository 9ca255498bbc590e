"""The schema for the names and states of connections: own names, pauses, receipts of erasures.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.additions import add_columns, drop_columns
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly
from db.migrations.tables import make_table

_CONNECTIONS: Final = f"{SCHEMA}.zoho_connections"
_RECEIPTS: Final = f"{SCHEMA}.erasure_receipts"

_COLUMNS: Final = (
    "own_name text",
    "parked_at timestamptz",
    "paused_reason text",
    "paused_at timestamptz",
    "disconnected_at timestamptz",
    "is_handover_resting boolean NOT NULL DEFAULT false",
)

#: Columns that a disconnected connection does not have.
_SECRETS: Final = ("refresh_token_encrypted", "webhook_secret_encrypted")

_RECEIPT_COLUMNS: Final = """
        connection_id uuid NOT NULL CONSTRAINT pk_erasure_receipts PRIMARY KEY,
        begun_at timestamptz DEFAULT now() NOT NULL,
        finished_at timestamptz,
        counts jsonb DEFAULT '{}'::jsonb NOT NULL
"""

#: Of several open connections to an organisation, the one that was opened first stays open. The lock keeps a process of
#: the former release from opening another one before the index exists.
_ONE_OPEN: Final = f"""
    LOCK TABLE {_CONNECTIONS} IN SHARE ROW EXCLUSIVE MODE;
    UPDATE {_CONNECTIONS} AS later SET handover = 'closed', updated_at = now()
     WHERE handover = 'open' AND EXISTS (
        SELECT FROM {_CONNECTIONS} AS earlier
         WHERE earlier.handover = 'open' AND earlier.organization_id = later.organization_id
           AND (coalesce(earlier.handover_opened_at, 'epoch'), earlier.id)
             < (coalesce(later.handover_opened_at, 'epoch'), later.id));
    CREATE UNIQUE INDEX IF NOT EXISTS uq_zoho_connections_one_open ON {_CONNECTIONS} (organization_id)
     WHERE handover = 'open' OR is_handover_resting;
"""  # noqa: S608

#: The former release did not record when it parked a connection. The run that Zoho refused ended at that moment.
_PARKED_AT: Final = f"""
    UPDATE {_CONNECTIONS} AS parked
       SET parked_at = coalesce(
           (SELECT max(finished_at) FROM {SCHEMA}.sync_runs WHERE connection_id = parked.id AND status = 'parked'),
           updated_at)
     WHERE status = 'parked' AND parked_at IS NULL
"""  # noqa: S608

#: The former release knows active and parked connections only, and needs a value in each column of a secret.
_FORMER_STATES: Final = f"""
    UPDATE {_CONNECTIONS}
       SET status = CASE WHEN status IN ('active', 'parked') THEN status ELSE 'parked' END,
           parked_reason = CASE WHEN status IN ('active', 'parked') THEN parked_reason
                                ELSE concat('The connection was ', status, ' before the downgrade.') END,
           refresh_token_encrypted = coalesce(refresh_token_encrypted, ''),
           webhook_secret_encrypted = coalesce(webhook_secret_encrypted, '')
     WHERE status NOT IN ('active', 'parked') OR refresh_token_encrypted IS NULL OR webhook_secret_encrypted IS NULL;
"""  # noqa: S608

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = f"SELECT WHERE to_regclass('{_RECEIPTS}') IS NOT NULL"


def add(connection: Raw) -> None:
    """Add the columns, the table and the index, and let disconnected connections have no secrets."""
    make_table(connection, "erasure_receipts", _RECEIPT_COLUMNS, like="zoho_connections")
    add_columns(connection, _CONNECTIONS, _COLUMNS)
    briefly(connection, _PARKED_AT)
    briefly(connection, _alter_secrets("DROP NOT NULL"))
    briefly(connection, _ONE_OPEN)


def remove(connection: Raw) -> None:
    """Remove what `add` made. Connections in states that the former release does not know become parked.

    A database that had left phase 2 before booksync had a schema of its own has nothing to remove.
    """
    if connection.execute("SELECT WHERE to_regclass(%s) IS NULL", [_CONNECTIONS]).fetchone() is not None:
        return
    briefly(connection, f"DROP INDEX IF EXISTS {SCHEMA}.uq_zoho_connections_one_open")
    briefly(connection, _FORMER_STATES + _alter_secrets("SET NOT NULL"))
    drop_columns(connection, _CONNECTIONS, _COLUMNS)
    briefly(connection, f"DROP TABLE IF EXISTS {_RECEIPTS}")


def _alter_secrets(action: str) -> str:
    return ";\n".join(f"ALTER TABLE {_CONNECTIONS} ALTER COLUMN {column} {action}" for column in _SECRETS)
