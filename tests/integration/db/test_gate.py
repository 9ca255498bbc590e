"""The gates of the caches in SQL match those of `domain.versions`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import Engine

from db.gate import GIVES_WAY, IS_REPLACED
from domain.versions import gives_way, is_replaced_by
from domain.watermarks import OVERLAP

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
SHIFTS = [sign * shift for shift in (timedelta(0), A_SECOND, OVERLAP, OVERLAP + A_SECOND) for sign in (-1, 1)]


@pytest.mark.parametrize("stamps_may_go_back", [False, True])
@pytest.mark.parametrize(("condition", "rule"), [(GIVES_WAY, gives_way), (IS_REPLACED, is_replaced_by)])
def test_sql_and_python_agree(
    engine: Engine, condition: str, rule: Callable[..., bool], stamps_may_go_back: bool
) -> None:
    reads = [(NOON + stamp, NOON + read_at) for stamp, read_at in product(SHIFTS, SHIFTS)]
    cached: list[tuple[datetime | None, datetime | None]] = [(NOON, NOON), (None, NOON), (NOON, None), (None, None)]
    with engine.connect() as db:
        for (stamp, read_at), (cached_stamp, cached_at) in product(reads, cached):
            found = db.exec_driver_sql(
                f"""
                SELECT coalesce({condition}, false)
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
            expected = rule(
                (cached_stamp or NEVER, cached_at or NEVER),
                (stamp, read_at),
                stamps_may_go_back=stamps_may_go_back,
            )
            assert found is expected, (stamp, read_at, cached_stamp, cached_at)
