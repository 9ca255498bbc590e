"""The table of processes: one row for each worker, scheduler and web process.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.rights import grants_of_table, owner_of_table
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly

_PROCESSES: Final = f"{SCHEMA}.processes"

#: The table whose owner and grants the new table gets: the same roles insert, change and delete rows of both.
_RUNS: Final = f"{SCHEMA}.sync_runs"

_TABLE: Final = f"""
    CREATE TABLE IF NOT EXISTS {_PROCESSES} (
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
    );
"""

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = f"SELECT WHERE to_regclass('{_PROCESSES}') IS NOT NULL"


def add(connection: Raw) -> None:
    """Create the table, with the owner and the grants of the table of runs."""
    grants = "".join(grant.on(_PROCESSES) for grant in grants_of_table(connection, _RUNS))
    owner = f"ALTER TABLE {_PROCESSES} OWNER TO {owner_of_table(connection, _RUNS)};"
    briefly(connection, _TABLE + owner + grants)


def remove(connection: Raw) -> None:
    """Drop the table."""
    briefly(connection, f"DROP TABLE IF EXISTS {_PROCESSES}")
