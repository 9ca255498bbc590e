"""The table of processes: one row for each worker, scheduler and web process.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly
from db.migrations.tables import make_table

_PROCESSES: Final = f"{SCHEMA}.processes"

_COLUMNS: Final = """
        id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT pk_processes PRIMARY KEY,
        kind text NOT NULL,
        host text NOT NULL,
        pid bigint NOT NULL,
        release text NOT NULL,
        threads integer NOT NULL,
        started_at timestamptz DEFAULT now() NOT NULL,
        seen_at timestamptz DEFAULT now() NOT NULL,
        worked_at timestamptz,
        ended_at timestamptz,
        keys_fingerprint text NOT NULL,
        client_fingerprint text NOT NULL,
        clock_ahead_seconds double precision NOT NULL,
        activities jsonb DEFAULT '[]'::jsonb NOT NULL
"""

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = f"SELECT WHERE to_regclass('{_PROCESSES}') IS NOT NULL"


def add(connection: Raw) -> None:
    """Create the table, with the owner and the grants of the table of runs."""
    # The same roles insert, change and delete rows of both tables.
    make_table(connection, "processes", _COLUMNS, like="sync_runs")


def remove(connection: Raw) -> None:
    """Drop the table."""
    briefly(connection, f"DROP TABLE IF EXISTS {_PROCESSES}")
