"""Promises of workers/scheduler.py: each tick of any number of schedulers starts due runs, and spaces the next ones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from db import parking
from db.connections import Connection
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.scheduler.ticks import all_runs, end_the_run, make_due, start, take_messages
from tests.integration.statements import recorded_statements
from workers.boot.resources import Resources
from workers.scheduler import tick


class TestStarting:
    @pytest.mark.parametrize(("full", "mode"), [(False, "incremental"), (True, "full")])
    def test_a_due_sync_is_started_and_its_step_sent(
        self, resources: Resources, connection: Connection, full: bool, mode: str
    ) -> None:
        make_due(resources.engine, full=full)
        tick(resources)
        (run,) = all_runs(resources.engine)
        assert (run["connection_id"], run["mode"]) == (connection.connection_id, mode)
        assert take_messages(resources) == [("start_sync", str(run["id"]), 0)]

    def test_the_statements_that_write_do_not_grow_with_the_due_syncs(self, resources: Resources) -> None:
        tick(resources)  # The first tick makes the periodic tasks too.
        counts = []
        for more in (1, 9):
            for _ in range(more):
                a_connection(resources.engine)
            end_the_run(resources.engine)
            make_due(resources.engine)
            with recorded_statements(resources.engine) as sent:
                tick(resources)
            counts.append(len([each for each in sent if "INSERT" in each or "UPDATE booksync" in each]))
        assert len(all_runs(resources.engine)) == 1 + 10
        assert counts[0] == counts[1]

    @pytest.mark.usefixtures("connection")
    def test_a_due_sync_is_started_by_one_tick_only(self, resources: Resources) -> None:
        make_due(resources.engine)
        for _ in range(3):
            tick(resources)
        assert len(all_runs(resources.engine)) == 1
        assert len(take_messages(resources)) == 1

    def test_several_schedulers_start_each_sync_once(self, resources: Resources) -> None:
        links = [a_connection(resources.engine) for _ in range(5)]
        make_due(resources.engine)
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(tick, resources) for _ in range(4)]:
                done.result()
        started = all_runs(resources.engine)
        assert {run["connection_id"] for run in started} == {connection.connection_id for connection in links}
        assert len(started) == len(links)
        assert take_messages(resources) == sorted(("start_sync", str(run["id"]), 0) for run in started)

    def test_a_connection_with_a_run_under_way_gets_no_second_run(
        self, resources: Resources, connection: Connection
    ) -> None:
        start(resources.engine, connection)
        take_messages(resources)
        make_due(resources.engine)
        tick(resources)
        assert len(all_runs(resources.engine)) == 1

    def test_a_full_sync_due_during_a_run_starts_after_it(self, resources: Resources, connection: Connection) -> None:
        start(resources.engine, connection)
        make_due(resources.engine, full=True)
        tick(resources)
        end_the_run(resources.engine)
        make_due(resources.engine)
        tick(resources)
        assert [run["mode"] for run in all_runs(resources.engine)] == ["incremental", "full"]

    def test_a_parked_connection_gets_no_run(self, resources: Resources, connection: Connection) -> None:
        with resources.engine.begin() as db:
            parking.park(db, connection, "…")
        make_due(resources.engine, full=True)
        tick(resources)
        assert all_runs(resources.engine) == []


class TestTheNext:
    def next_syncs(self, engine: Engine) -> list[float]:
        """The seconds until each connection's next sync."""
        found = rows(
            engine, "SELECT extract(epoch FROM next_sync_at - now())::float AS seconds FROM booksync.zoho_connections"
        )
        return [row["seconds"] for row in found]

    def test_the_next_syncs_are_spread(self, resources: Resources) -> None:
        for _ in range(12):
            a_connection(resources.engine)
        make_due(resources.engine)
        tick(resources)
        seconds = self.next_syncs(resources.engine)
        interval = resources.settings.sync_interval_seconds
        assert all(interval * 0.9 - 5 <= each <= interval * 1.1 for each in seconds)
        assert max(seconds) - min(seconds) > interval * 0.02

    @pytest.mark.usefixtures("connection")
    def test_a_long_stop_is_made_up_for_by_one_sync(self, resources: Resources) -> None:
        change(resources.engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '3 days'")
        for _ in range(3):
            tick(resources)
            end_the_run(resources.engine)
        assert len(all_runs(resources.engine)) == 1

    def test_full_syncs_are_at_night_in_the_organisations_time_zone(self, resources: Resources) -> None:
        """The organisations of `a_link` are in London."""
        for _ in range(5):
            a_connection(resources.engine)
        make_due(resources.engine, full=True)
        tick(resources)
        found = rows(
            resources.engine,
            "SELECT extract(hour FROM next_full_sync_at AT TIME ZONE time_zone)::int AS hour, "
            "       next_full_sync_at - now() AS ahead FROM booksync.zoho_connections",
        )
        assert {row["hour"] for row in found} <= {1, 2, 3, 4}
        assert all(timedelta(0) < row["ahead"] <= timedelta(hours=26) for row in found)
