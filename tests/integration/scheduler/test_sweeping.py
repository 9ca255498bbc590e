"""Promises of workers/scheduler.py: each tick of any number of schedulers resends overdue steps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from db.connections import Connection
from domain.runs import Phase
from sandbox.servers.ports import free_port
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.scheduler.ticks import all_runs, make_due, start, take_messages
from workers.boot.resources import Resources
from workers.queue import new_broker
from workers.redis_access import new_redis_client
from workers.scheduler import tick


class TestSweeping:
    def test_an_overdue_step_is_sent_again_once_per_interval(
        self, resources: Resources, connection: Connection
    ) -> None:
        step = start(resources.engine, connection)
        for _ in range(3):
            tick(resources)
        assert take_messages(resources) == [("start_sync", str(step.run_id), 0)]

    def test_an_overdue_step_is_sent_to_the_actor_of_its_phase(
        self, resources: Resources, connection: Connection
    ) -> None:
        step = start(resources.engine, connection)
        change(resources.engine, "UPDATE booksync.sync_runs SET phase = :phase, step = 7", phase=Phase.INVOICES)
        tick(resources)
        assert take_messages(resources) == [("sync_invoices_page", str(step.run_id), 7)]

    def test_no_copies_are_sent_while_enough_messages_wait_for_the_workers(
        self, resources: Resources, connection: Connection
    ) -> None:
        step = start(resources.engine, connection)
        resources.redis.rpush("dramatiq:api", *["waiting"] * 100)
        resources.redis.rpush("dramatiq:database", *["waiting"] * 100)
        tick(resources)
        assert take_messages(resources) == []
        tick(resources)
        assert take_messages(resources) == [("start_sync", str(step.run_id), 0)]

    def test_several_schedulers_send_each_overdue_step_once(self, resources: Resources) -> None:
        steps = [start(resources.engine, a_connection(resources.engine)) for _ in range(10)]
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(tick, resources) for _ in range(4)]:
                done.result()
        assert take_messages(resources) == sorted(("start_sync", str(step.run_id), 0) for step in steps)

    @pytest.mark.usefixtures("connection")
    def test_a_step_that_redis_refused_is_sent_by_a_later_tick(self, resources: Resources) -> None:
        make_due(resources.engine)
        nobody = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
        tick(replace(resources, broker=new_broker(nobody)))
        (run,) = all_runs(resources.engine)
        change(resources.engine, "UPDATE booksync.sync_runs SET sweep_at = now()")
        tick(resources)
        assert take_messages(resources) == [("start_sync", str(run["id"]), 0)]
