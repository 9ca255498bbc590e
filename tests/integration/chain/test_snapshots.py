"""Each copy of a prepared state has all of its data, whatever other tests have done with their copies."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.chain.bench import Bench
from tests.integration.snapshots import SYNCED_FEW, Snapshots, State

_TABLES = ("booksync.customers_cache", "invoices_cache", "reminders", "booksync.zoho_connections", "sync_metadata")


@dataclass(frozen=True)
class Data:
    rows: dict[str, list[Any]]  #: without the time of the next run, which is as far away in each copy
    sequences: list[Any]
    values: dict[bytes, bytes | None]
    books: dict[str, Any]

    @classmethod
    def of(cls, bench: Bench) -> "Data":
        redis = bench.resources.redis
        return cls(
            {
                table: bench.rows(f"SELECT (to_jsonb(t) - 'next_sync_at')::text FROM {table} AS t ORDER BY 1")
                for table in _TABLES
            },
            bench.rows("SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"),
            {name: redis.dump(name) for name in redis.scan_iter()},
            bench.zoho.snapshot(),
        )


@pytest.mark.slow
def test_a_copy_equals_the_prepared_state_and_another_copy_is_not_changed_with_it(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Data] = []

    def prepare(bench: Bench) -> None:
        bench.zoho.delete_invoice(min(bench.invoices()))
        bench.resources.redis.set("expires", "1", ex=100)
        prepared.append(Data.of(bench))

    state = State(prepare, after=SYNCED_FEW)
    for _ in range(2):
        with snapshots.copied(state, monkeypatch) as bench:
            assert Data.of(bench) == prepared[0]
            assert 0 < bench.resources.redis.ttl("expires") <= 100
            assert bench.zoho.stats().count() == 0
            assert bench.sync()["status"] == "succeeded"
            bench.zoho.delete_contact(min(bench.customers()), with_invoices=True)
            bench.resources.redis.flushall()
    assert len(prepared) == 1
