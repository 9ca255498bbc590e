"""Promises of workers/scheduler.py: ticks are recorded, and prune old rows."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from db import refreshes, scheduler_marks, webhook_events
from db.connections import Connection
from db.secrets import Place, SecretName
from db.webhook_events import RefreshRef
from domain.entities import CUSTOMER
from domain.webhooks import Event, EventKind, EventOutcome
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from workers import scheduler
from workers.boot.resources import Resources
from workers.scheduler import tick
from workers.secrets.missing_grants import adopt_some
from workers.services.pruning import prune


def left_after_ticks(resources: Resources, query: str) -> list[int]:
    """The number of rows that the query finds after each of four ticks."""
    left = []
    for _ in range(4):
        tick(resources)
        left.append(len(rows(resources.engine, query)))
    return left


class TestHouse:
    def test_a_tick_is_recorded_as_a_heartbeat(self, resources: Resources) -> None:
        with resources.engine.connect() as db:
            assert scheduler_marks.seconds_since(db, scheduler_marks.TICK) is None
        tick(resources)
        with resources.engine.connect() as db:
            silence = scheduler_marks.seconds_since(db, scheduler_marks.TICK)
        assert silence is not None
        assert silence < 5

    def test_a_mark_is_acquired_by_one_of_several_processes(self, resources: Resources) -> None:
        def take(_: int) -> bool:
            with resources.engine.begin() as db:
                return scheduler_marks.take(db, "prune", every_seconds=60)

        with ThreadPoolExecutor(4) as threads:
            assert sorted(threads.map(take, range(4))) == [False, False, False, True]
        change(resources.engine, "UPDATE booksync.scheduler_marks SET marked_at = now() - interval '61 seconds'")
        assert [take(0), take(0)] == [True, False]

    def test_old_runs_are_pruned_except_the_last_ones(self, resources: Resources, connection: Connection) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, started_at) "
            "SELECT :user_id, :connection_id, 'incremental', 'done', 'succeeded', now(), "
            "       now() - make_interval(days => 20 + number) FROM generate_series(1, 40) number",
            user_id=connection.user_id,
            connection_id=connection.connection_id,
        )
        tick(resources)
        ages = rows(
            resources.engine, "SELECT extract(day FROM now() - started_at)::int AS days FROM booksync.sync_runs"
        )
        assert sorted(row["days"] for row in ages) == list(range(21, 41))

    def test_old_events_are_pruned_once_they_have_an_outcome(
        self, resources: Resources, connection: Connection
    ) -> None:
        events = [Event("contact", record, EventKind.CHANGED, None, None) for record in ("1", "2")]
        events.append(Event("estimate", "3", EventKind.CHANGED, None, None))
        with resources.engine.begin() as db:
            for event in events:
                webhook_events.receive(db, connection.connection_id, event)
            lease = refreshes.acquire(db, RefreshRef(connection.connection_id, CUSTOMER, "1"), lease_seconds=60)
            assert lease is not None
            refreshes.finish(db, lease, EventOutcome.ASKED)
        change(resources.engine, "UPDATE booksync.webhook_events SET received_at = now() - interval '8 days'")
        tick(resources)
        assert [
            row["record_id"] for row in rows(resources.engine, "SELECT record_id FROM booksync.webhook_events")
        ] == ["2"]
        assert [row["record_id"] for row in rows(resources.engine, "SELECT record_id FROM booksync.refreshes")] == ["2"]

    @pytest.mark.usefixtures("connection")
    def test_further_ticks_prune_what_one_batch_leaves(
        self, resources: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, kind, outcome, received_at) "
            "SELECT id, 'contact', number::text, 'changed', 'asked', now() - interval '8 days' "
            "  FROM booksync.zoho_connections, generate_series(1, 25) number",
        )
        monkeypatch.setattr(scheduler, "prune", partial(prune, batch=10))
        assert left_after_ticks(resources, "SELECT id FROM booksync.webhook_events") == [15, 5, 0, 0]

    def test_further_ticks_make_the_grants_that_one_batch_leaves(
        self, resources: Resources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(25):
            connection_id = a_connection(resources.engine).connection_id
            change(
                resources.engine,
                "UPDATE booksync.zoho_connections SET refresh_token_encrypted = :token WHERE id = :id",
                id=connection_id,
                token=resources.vault.encrypt("token", Place(SecretName.REFRESH_TOKEN, connection_id)),
            )
        monkeypatch.setattr(scheduler, "adopt_some", partial(adopt_some, batch=10))
        without_grant = "SELECT id FROM booksync.zoho_connections WHERE grant_id IS NULL"
        assert left_after_ticks(resources, without_grant) == [15, 5, 0, 0]

    def test_closed_dead_letters_are_pruned_after_a_month_and_open_ones_never(self, resources: Resources) -> None:
        change(
            resources.engine,
            "INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, error_type, error, "
            "                          fingerprint, attempts, status, first_died_at, last_died_at, closed_at) "
            "SELECT name, 'too_old', 'api', 'work', '{}', '', '', '', 1, status, died, died, died "
            "  FROM (VALUES ('discarded', 'discarded', 31), ('retried', 'retried', 31), ('recent', 'discarded', 29), "
            "               ('open', 'open', 400)) AS letter (name, status, days), "
            "       LATERAL (SELECT now() - make_interval(days => days)) AS age (died)",
        )
        tick(resources)
        left = rows(resources.engine, "SELECT subject FROM booksync.dead_letters ORDER BY subject")
        assert [row["subject"] for row in left] == ["open", "recent"]
