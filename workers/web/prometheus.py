"""The metrics of `/metrics`, read from Postgres and Redis at each request, so that any process reports all of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from importlib.metadata import version
from platform import python_version
from typing import Any

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db import dead_letters, event_history, figures, scheduler_marks
from domain.connection_states import ConnectionStatus
from workers.boot.resources import Resources
from workers.boot.servers import RedisState, look_at_postgres, look_at_redis
from workers.budget import BudgetSnapshot, BudgetUnavailable
from workers.observability.worker_states import WorkerState, reports
from workers.queue import Queue, delayed_messages, ready_messages
from workers.queue.oldest import oldest_seconds
from workers.web.counted_metrics import counted_metrics

_QUEUE_STATES = {"ready": ready_messages, "delayed": delayed_messages}

#: The former names of metrics. For one release `/metrics` has the former and the present names.
_FORMER_NAMES = {
    "booksync_refreshes": "booksync_resyncs",
    "booksync_refreshes_waiting": "booksync_resyncs_waiting",
    "booksync_waiting_invoices": "booksync_skipped_invoices",
}

Labels = dict[str, str]
Samples = Iterable[tuple[Labels, float | None]]


def render(resources: Resources) -> bytes:
    """Return the metrics in Prometheus's text format; metrics of an unavailable server are left out (`booksync_up`)."""
    # The counts of this process are complete then; those of the others are up to 15 s old.
    resources.counters.flush()
    registry = CollectorRegistry()
    registry.register(_AtScrape(resources))
    return generate_latest(registry)


class _AtScrape(Collector):
    """Collects all metrics when Prometheus requests them. Labels hold only ids and fixed words of booksync."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def collect(self) -> Iterator[Metric]:
        organizations: list[str] = []
        up: dict[str, float] = {}
        try:
            # Read all metrics before the first is returned, because an incomplete set would look like an installation
            # that has shrunk.
            reported: list[Metric] = list(self._from_postgres(organizations))
            up["postgres"] = self._does_postgres_work()
        except (DBAPIError, PoolTimeoutError):
            reported, up["postgres"] = [], 0
        state = look_at_redis(self._resources.redis)
        up["redis"] = float(state.refusal is None)
        reported += _memory(state)
        if state.responds:
            # A replica, or a Redis whose memory is full, can still be read, so its metrics are reported.
            with suppress(redis.RedisError, BudgetUnavailable):
                reported += self._from_redis(organizations)
        yield _build_info()
        yield _gauge(
            "up",
            "1 if that server is reachable and accepts writes.",
            (({"part": part}, value) for part, value in up.items()),
        )
        yield from reported
        yield from map(_under_former_name, (metric for metric in reported if metric.name in _FORMER_NAMES))

    def _does_postgres_work(self) -> float:
        with self._resources.engine.connect() as db:
            return float(look_at_postgres(db).problem is None)

    def _from_postgres(self, organizations: list[str]) -> Iterator[GaugeMetricFamily]:
        with self._resources.engine.begin() as db:
            figures.begin(db)
            connections = figures.connections(db)
            runs = figures.runs_of_a_day(db)
            ahead = figures.work_ahead(db)
            events = event_history.counts(db)
            waits = event_history.oldest_waiting_seconds(db)
            silence = scheduler_marks.seconds_since(db, scheduler_marks.TICK)
            open_dead_letters = dead_letters.count_open(db)
            waiting = figures.waiting_invoices(db)
            held = figures.held_deletions(db)
        organizations += sorted({connection["organization"] for connection in connections})
        yield _gauge(
            "connection_parked",
            "1 for a connection that Zoho refuses until a person connects it again; else 0.",
            _by_connection(connections, lambda connection: connection["status"] == ConnectionStatus.PARKED),
        )
        yield _gauge(
            "connection_state",
            "1 for the present state of a connection: active, parked, paused, disconnected or erasing.",
            (
                ({"connection": connection["connection"], "state": connection["status"]}, 1.0)
                for connection in connections
            ),
        )
        yield _gauge(
            "token_endpoint_throttled_seconds",
            "Seconds since Zoho's token endpoint began to throttle and returned no token; 0 if it does not throttle.",
            _by_connection(connections, lambda connection: connection["throttled_seconds"]),
        )
        yield _gauge(
            "last_sync_age_seconds",
            "Seconds since the cached records were last complete.",
            (
                ({"connection": connection["connection"], "what": what}, connection[f"{what}_age"])
                for connection in connections
                for what in ("customers", "invoices", "full")
            ),
        )
        yield _gauge(
            "customers_with_unknown_country",
            "Customers whose country in Zoho is a text that booksync does not understand.",
            _by_connection(connections, lambda connection: connection["unknown_countries"]),
        )
        yield _gauge(
            "held_deletions",
            "Records that are not marked deleted until a person decides.",
            (({"connection": connection_id, "kind": kind}, count) for (connection_id, kind), count in held.items()),
        )
        named = ("connection", "mode", "status")
        yield _gauge(
            "runs_last_day",
            "Runs that began within the last day.",
            (({name: row[name] for name in named}, row["runs"]) for row in runs),
        )
        yield _gauge(
            "run_api_calls_last_day",
            "API calls of the runs that began within the last day.",
            (({name: row[name] for name in named}, row["calls"]) for row in runs),
        )
        oldest = ahead["oldest_run_seconds"]
        yield _gauge("oldest_run_seconds", "Seconds since the start of the oldest unfinished run.", [({}, oldest)])
        yield _gauge("overdue_steps", "Run steps that no worker has started in time.", [({}, ahead["steps"])])
        yield _gauge("reminders_scheduled", "Reminders that are scheduled.", [({}, ahead["reminders"])])
        yield _gauge(
            "refreshes_waiting", "Records named by webhooks that wait for a refresh.", [({}, ahead["refreshes"])]
        )
        yield _gauge(
            "webhook_events",
            "Webhook events of the last days, by their outcome.",
            (({"outcome": outcome}, count) for outcome, count in sorted(events.items())),
        )
        yield _gauge(
            "webhook_oldest_waiting_seconds", "Seconds that the oldest waiting event has waited.", [({}, waits)]
        )
        yield _gauge("scheduler_silence_seconds", "Seconds since the last tick of any scheduler.", [({}, silence)])
        yield _gauge(
            "dead_letters", "Open dead letters, which wait for a person's decision.", [({}, open_dead_letters)]
        )
        yield _gauge(
            "waiting_invoices",
            "Invoices that wait for their customer.",
            (({"reason": reason}, count) for reason, count in waiting.items()),
        )

    def _from_redis(self, organizations: Iterable[str]) -> list[Metric]:
        client = self._resources.redis
        lengths = [
            ({"queue": str(queue), "state": state}, float(count(client, queue)))
            for queue in Queue
            for state, count in _QUEUE_STATES.items()
        ]
        budgets = self._resources.budget.snapshots(list(organizations))
        oldest = [({"queue": str(queue)}, seconds) for queue, seconds in oldest_seconds(client).items()]
        workers = Counter(each.state for each in reports(client))
        return [
            _gauge(
                "workers",
                "Worker processes that report, by their state.",
                (({"state": state}, float(workers[state])) for state in WorkerState),
            ),
            _gauge("queue_messages", "Messages in a queue.", lengths),
            _gauge("queue_oldest_seconds", "Seconds that the oldest due message has waited for a worker.", oldest),
            *_budgets(budgets),
            *counted_metrics(client),
        ]


def _build_info() -> GaugeMetricFamily:
    facts = {"version": version("booksync"), "python": python_version()}
    return _gauge(
        "build_info", "1, with the releases of booksync and Python of the process that replied.", [(facts, 1.0)]
    )


def _memory(state: RedisState) -> list[Metric]:
    """Return the gauges of Redis's memory; they have no sample if Redis's access rules (ACL) hide it from this user."""
    return [
        _gauge("redis_used_memory_bytes", "Memory that Redis uses.", [({}, state.used_memory_bytes)]),
        _gauge("redis_maxmemory_bytes", "Memory limit of Redis; 0 for no limit.", [({}, state.maxmemory_bytes)]),
    ]


def _budgets(budgets: Mapping[str, BudgetSnapshot]) -> Iterator[GaugeMetricFamily]:
    def of_each(name: str, help_text: str, values: dict[str, float | None]) -> GaugeMetricFamily:
        return _gauge(f"budget_{name}", help_text, (({"organization": each}, value) for each, value in values.items()))

    yield of_each("limit", "Calls allowed per window.", {each: budget.limit for each, budget in budgets.items()})
    yield of_each(
        "left",
        "Calls left in this window.",
        {each: max(0, budget.limit - budget.used_in_window) for each, budget in budgets.items()},
    )
    yield of_each(
        "reserved_ahead",
        "Calls that are reserved ahead for waiting callers and not made yet.",
        {each: budget.reserved_ahead for each, budget in budgets.items()},
    )
    yield of_each(
        "interactive_reserve",
        "Calls of a window that syncs leave to webhooks and people at present.",
        {each: budget.interactive_reserve for each, budget in budgets.items()},
    )
    yield of_each(
        "day_left",
        "Calls left today, as Zoho last reported.",
        {each: budget.day_remaining for each, budget in budgets.items()},
    )
    yield of_each(
        "paused_seconds",
        "Seconds until the pause of all calls ends.",
        {each: budget.paused_seconds for each, budget in budgets.items()},
    )
    yield of_each(
        "refusals", "Calls that Zoho has throttled recently.", {each: b.throttles for each, b in budgets.items()}
    )


def _under_former_name(metric: Metric) -> Metric:
    """Copy a metric under the name that it had in the previous release."""
    former = _FORMER_NAMES[metric.name]
    copied = copy(metric)
    copied.name = former
    copied.samples = [sample._replace(name=sample.name.replace(metric.name, former)) for sample in metric.samples]
    return copied


def _by_connection(connections: figures.Rows, value: Callable[[dict[str, Any]], float]) -> Samples:
    """One sample for each connection; `value` computes it from a row of `figures.connections`."""
    return (({"connection": row["connection"]}, float(value(row))) for row in connections)


def _gauge(name: str, help_text: str, samples: Samples) -> GaugeMetricFamily:
    """Build a gauge metric; an unknown value (None) gives no sample."""
    known = [(labels, value) for labels, value in samples if value is not None]
    family = GaugeMetricFamily(f"booksync_{name}", help_text, labels=list(known[0][0]) if known else [])
    for labels, value in known:
        family.add_metric(list(labels.values()), value)
    return family
