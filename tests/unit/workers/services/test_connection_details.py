"""The details of a connection: a large one is not counted at each look."""

import uuid
from typing import Any
from unittest.mock import MagicMock

import pytest

from db import connection_facts
from db.connections import UnknownConnectionError
from tests.end_to_end.underway import eventually
from workers.services.connection_details import details_of
from workers.services.kept import KEPT_SECONDS
from workers.services.kept_counts import KeptCounts

CONNECTION = uuid.UUID(int=1)


class Postgres:
    """Counts the two ways of reading, and returns a state whose status changes with each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, invoices: int) -> None:
        self.reads: list[str] = []
        self._cached = {"customers": 0, "invoices": invoices}
        monkeypatch.setattr(connection_facts, "connection_states", self._count)
        monkeypatch.setattr(connection_facts, "glances", self._glance)

    def _count(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        self.reads.append("counted")
        return [self._row() | {"cached": self._cached}]

    def _glance(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        self.reads.append("glanced")
        return [self._row()]

    def _row(self) -> dict[str, Any]:
        status = "active" if len(self.reads) == 1 else "paused"
        return {
            "connection_id": str(CONNECTION),
            "organization_id": "7",
            "status": status,
            "token_endpoint_throttled_since": None,
            "flood": None,
        }


def test_a_small_connection_is_counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    postgres, counts = Postgres(monkeypatch, invoices=9), KeptCounts(MagicMock(), large_rows=10)
    for _ in range(2):
        seen = details_of(MagicMock(), counts, CONNECTION)
        assert (seen.is_counted, seen.counted_seconds_ago) == (True, 0.0)
    assert postgres.reads == ["counted", "counted"]


def test_the_counts_of_a_large_one_are_kept_for_a_while_and_its_state_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    postgres, counts = Postgres(monkeypatch, invoices=10), KeptCounts(MagicMock(), large_rows=10, clock=lambda: now[0])
    details_of(MagicMock(), counts, CONNECTION)
    now[0] += KEPT_SECONDS - 1
    seen = details_of(MagicMock(), counts, CONNECTION)
    assert seen.counted_seconds_ago == KEPT_SECONDS - 1
    assert (seen.state["status"], seen.state["cached"]["invoices"]) == ("paused", 10)
    now[0] += 1
    details_of(MagicMock(), counts, CONNECTION)
    eventually(lambda: postgres.reads.count("counted") == 2)
    assert sorted(postgres.reads) == ["counted", "counted", "glanced", "glanced"]


def test_an_unknown_connection_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_facts, "connection_states", lambda *_, **__: [])
    with pytest.raises(UnknownConnectionError):
        details_of(MagicMock(), KeptCounts(MagicMock()), CONNECTION)
