"""The gate of the caches in SQL is the one of `domain.versions`."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import Engine

from db.gate import GIVES_WAY
from domain.versions import gives_way
from domain.watermarks import OVERLAP

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
SHIFTS = [timedelta(seconds=-1), timedelta(0), timedelta(seconds=1), OVERLAP, OVERLAP + timedelta(seconds=1)]


@pytest.mark.parametrize("stamps_may_go_back", [False, True])
def test_sql_and_python_agree(engine: Engine, stamps_may_go_back: bool) -> None:
    reads = [(NOON + stamp, NOON + read_at) for stamp, read_at in product(SHIFTS, SHIFTS)]
    cached: list[tuple[datetime | None, datetime | None]] = [(NOON, NOON), (None, NOON), (NOON, None), (None, None)]
    with engine.connect() as connection:
        for (stamp, read_at), (cached_stamp, cached_at) in product(reads, cached):
            found = connection.exec_driver_sql(
                f"""
                SELECT coalesce({GIVES_WAY}, false)
                  FROM (SELECT %(stamp)s::timestamptz, %(read_at)s::timestamptz)
                       AS excluded (zoho_last_modified_at, observed_at),
                       (SELECT %(cached_stamp)s::timestamptz, %(cached_at)s::timestamptz)
                       AS cached (zoho_last_modified_at, observed_at)
                """,
                {
                    "stamp": stamp,
                    "read_at": read_at,
                    "cached_stamp": cached_stamp,
                    "cached_at": cached_at,
                    "stamps_may_go_back": stamps_may_go_back,
                },
            ).scalar_one()
            expected = gives_way(
                (cached_stamp or NEVER, cached_at or NEVER),
                (stamp, read_at),
                stamps_may_go_back=stamps_may_go_back,
            )
            assert found is expected, (stamp, read_at, cached_stamp, cached_at)
