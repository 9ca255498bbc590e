"""Zoho's list of persons in memory, which changes while it is walked."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from domain.walk import WalkById
from tests.unit.domain.upstream import NOW, SECOND, Row, Upstream, everything, id_set, walked_by_two

#: Rows "10001", "10002" …
_PERSONS = [Row(str(10_001 + number), NOW) for number in range(50_000)]


def persons(count: int, **habits: Any) -> Upstream:
    """The first `count` persons."""
    return Upstream({row.record_id: row for row in _PERSONS[:count]}, **{"oldest_id_first": True} | habits)


departures = st.tuples(st.just("delete"), st.integers(0, 700), st.integers(1, 60))
arrivals = st.tuples(st.just("create"), st.just(0), st.integers(1, 60))


def keeps_its_promise(
    upstream: Upstream, meantimes: list[list[tuple[str, int, int]]], reads_ahead: Callable[[], bool] = lambda: False
) -> WalkById:
    at_first, coming = dict(upstream.rows), iter(meantimes)

    def time_passes() -> None:
        upstream.now += SECOND
        for kind, place, count in next(coming, []):
            for record_id in everything(upstream)[place : place + count]:
                if kind == "delete":
                    upstream.delete(record_id)
            if kind == "create":
                for _ in range(count):
                    upstream.create()

    walk, told = walked_by_two(upstream, reads_ahead, time_passes)
    assert walk.started_at == NOW
    assert id_set(told) >= at_first.keys() & upstream.rows.keys()
    return walk
