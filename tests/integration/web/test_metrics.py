"""Promises of workers/web: its metrics."""

from collections.abc import Callable
from importlib.metadata import version
from platform import python_version

import httpx
import psycopg
import redis
from dramatiq import Message
from dramatiq.common import current_millis
from prometheus_client.parser import text_string_to_metric_families

from domain.entities import INVOICE
from domain.runs import Phase
from tests.integration.web.web_process import Ask, connect, nowhere
from workers.budget import WaitReason
from workers.observability.counters import Counters, JobOutcome
from workers.queue import Queue, new_broker


class TestMetrics:
    def told(self, answer: httpx.Response) -> dict[str, float]:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value for sample in samples
        }

    def test_one_process_reports_the_metrics_of_all_connections(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        told = self.told(process(database_url, redis_url)("/metrics"))
        ((connection_id,),) = database.execute("SELECT id FROM booksync.zoho_connections").fetchall()
        assert told["booksync_up postgres"] == told["booksync_up redis"] == 1
        assert told[f"booksync_runs_last_day {connection_id} full succeeded"] == 1
        assert told[f"booksync_run_api_calls_last_day {connection_id} full succeeded"] == 17
        assert told[f"booksync_connection_parked {connection_id}"] == 0
        assert told[f"booksync_connection_state {connection_id} active"] == 1
        assert told[f"booksync_customers_with_unknown_country {connection_id}"] == 0
        assert told["booksync_webhook_events waiting"] == 1
        assert told["booksync_queue_messages interactive ready"] == 0
        assert told["booksync_budget_limit 10234695"] == 100
        assert told["booksync_budget_interactive_reserve 10234695"] == 3
        assert told["booksync_dead_letters"] == 0

    def test_the_metrics_include_the_counts_of_other_processes(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        counters = Counters.at(redis_url)
        counters.step(Phase.CONTACTS, JobOutcome.DONE)
        counters.step(Phase.CONTACTS, JobOutcome.RETRIED)
        counters.refresh(INVOICE, JobOutcome.DONE)
        counters.api_call(429)
        counters.api_call(None)
        counters.budget_wait(1.5, WaitReason.MINUTE)
        counters.truth_check(INVOICE, ["balance"])
        counters.close()
        answer = process(database_url, redis_url)("/metrics")
        told = self.told(answer)
        for name in (
            "booksync_steps_total done contacts",
            "booksync_steps_total retried contacts",
            "booksync_refreshes_total invoice done",
            "booksync_api_calls_total 429",
            "booksync_api_calls_total no_answer",
            "booksync_budget_waits_total minute",
            "booksync_truth_check_records_total invoices drifted",
            "booksync_truth_check_drift_total balance invoices",
        ):
            assert told[name] == 1
        assert told["booksync_budget_wait_seconds_total minute"] == 1.5
        assert told["booksync_steps_total given_up contacts"] == told["booksync_api_calls_total 200"] == 0
        assert 'booksync_steps_total{outcome="done",phase="contacts"} 1.0' in answer.text
        assert "# TYPE booksync_budget_wait_seconds_total counter" in answer.text

    def test_the_metrics_include_the_age_of_the_oldest_message(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        with redis.Redis.from_url(redis_url) as client:
            message: Message[None] = Message(
                Queue.DATABASE, "start_sync", (), {}, {}, message_timestamp=current_millis() - 90_000
            )
            new_broker(client).enqueue(message)
        told = self.told(process(database_url, redis_url)("/metrics"))
        assert told["booksync_queue_messages database ready"] == 1
        assert 90 <= told["booksync_queue_oldest_seconds database"] < 120
        assert told["booksync_queue_oldest_seconds api"] == 0

    def test_the_metrics_hold_no_personal_data(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        text = process(database_url, redis_url)("/metrics").text
        assert not any(word in text for word in ("Ada", "ada@", "+44", "secret"))

    def test_without_servers_only_booksync_up_is_reported(self, process: Callable[[str, str], Ask]) -> None:
        told = self.told(process(nowhere("postgresql"), nowhere("redis"))("/metrics"))
        build = f"booksync_build_info {python_version()} {version('booksync')}"
        assert told == {build: 1, "booksync_up postgres": 0, "booksync_up redis": 0}

    def test_without_redis_the_other_metrics_are_reported(
        self, process: Callable[[str, str], Ask], database_url: str
    ) -> None:
        told = self.told(process(database_url, nowhere("redis"))("/metrics"))
        assert (told["booksync_up postgres"], told["booksync_up redis"]) == (1, 0)
        assert told["booksync_overdue_steps"] == 0
