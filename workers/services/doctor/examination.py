"""The examination of an installation: reads the facts of every part, and judges them by the checks."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from redis.backoff import NoBackoff
from redis.retry import Retry

from db.migrations.revisions import SchemaFit
from domain.processes import Processes
from workers.boot.basics import Basics, open_basics
from workers.boot.calls import new_budget
from workers.boot.settings import SettingsError, settings
from workers.budget import BudgetSnapshot
from workers.redis_access.client import redis_client
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.clocks import ClockFacts, check_clocks
from workers.services.doctor.connections import ConnectionFacts, check_connections
from workers.services.doctor.findings import Finding, Part, error
from workers.services.doctor.from_postgres import FromPostgres, read_postgres
from workers.services.doctor.from_redis import (
    MOST_ORGANIZATIONS,
    FromRedis,
    forgotten,
    read_budgets,
    read_redis,
)
from workers.services.doctor.keys import check_keys
from workers.services.doctor.postgres import check_postgres
from workers.services.doctor.processes import ProcessFacts, check_processes
from workers.services.doctor.redis_server import RedisFacts, check_redis
from workers.services.doctor.reminders import check_reminders
from workers.services.doctor.runs import WorkFacts, check_runs
from workers.services.doctor.schema import check_schema
from workers.services.doctor.settings import check_settings
from workers.services.doctor.webhooks import WebhookFacts, check_webhooks
from workers.services.doctor.zoho import check_zoho

#: The time limit of the whole examination.
LONGEST_SECONDS: Final = 10.0

#: The time limits of one statement and one command, so that the examination ends in time.
_POSTGRES_SECONDS: Final = 3.0
_REDIS_SECONDS: Final = 2.0

#: After this time the progress is reported.
_PROGRESS_SECONDS: Final = 2.0

_T = TypeVar("_T")


def examine_installation(progress: Callable[[str], None] = lambda _: None) -> Checkup:
    """Examine the installation of this command's settings, within `LONGEST_SECONDS`.

    `progress` is called with the names of the servers that have not responded for a while.
    """
    try:
        settings()
    except SettingsError as problem:
        reason = "the settings are not complete"
        return Checkup.of(check_settings(str(problem)), {part: reason for part in Part if part is not Part.SETTINGS})
    with open_basics("booksync doctor", postgres_seconds=_POSTGRES_SECONDS) as basics:
        quick = _with_quick_redis(basics)
        try:
            return _examine_in_time(quick, progress)
        finally:
            quick.redis.close()


def examine(basics: Basics, states: Sequence[dict[str, Any]], budgets: Mapping[str, BudgetSnapshot] | None) -> Checkup:
    """Examine the installation for a page that has read the states and the budgets already.

    `budgets` has the API budget of each organisation; it is None while Redis is unavailable.
    """
    found = read_redis(basics)
    return _judge(basics, read_postgres(basics, states=states), found, budgets or {})


def _with_quick_redis(basics: Basics) -> Basics:
    client = redis_client(
        basics.settings.redis_url.get_secret_value(), retry=Retry(NoBackoff(), 0), timeout_seconds=_REDIS_SECONDS
    )
    budget = new_budget(client, basics.engine, basics.counters, basics.settings)
    return replace(basics, redis=client, budget=budget)


class _Task(Generic[_T]):
    """A function in a thread of its own, which does not keep the process from ending."""

    def __init__(self, name: str, work: Callable[[], _T]) -> None:
        self.name = name
        self._result: _T | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._result = self._work()

    def wait(self, until: float) -> None:
        self._thread.join(max(0.0, until - time.monotonic()))

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    @property
    def result(self) -> _T | None:
        """The result; None if the function has not ended."""
        return self._result if self.is_done else None


def _examine_in_time(basics: Basics, progress: Callable[[str], None]) -> Checkup:
    began = time.monotonic()
    postgres = _Task("Postgres", lambda: read_postgres(basics))
    redis = _Task("Redis", lambda: read_redis(basics))
    for until in (began + _PROGRESS_SECONDS, began + LONGEST_SECONDS - _REDIS_SECONDS):
        postgres.wait(until)
        redis.wait(until)
        if slow := [each.name for each in (postgres, redis) if not each.is_done]:
            progress(" and ".join(slow))
    return _judge(basics, postgres.result, redis.result)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read from the servers; None for a server that did not respond in time."""

    basics: Basics
    postgres: FromPostgres
    redis: FromRedis | None
    read_budgets: Mapping[str, BudgetSnapshot] | None  #: by organisation, if the caller has read them

    @property
    def now(self) -> datetime:
        return self.postgres.now or datetime.now(UTC)

    @property
    def can_ask_redis(self) -> bool:
        return self.redis is not None and self.redis.state.refusal is None

    def budgets(self, organization_ids: Sequence[str]) -> Mapping[str, BudgetSnapshot]:
        """The API budgets of at most `MOST_ORGANIZATIONS` organisations; none while Redis is unavailable."""
        if not self.can_ask_redis:
            return {}
        if (known := self.read_budgets) is None:
            return read_budgets(self.basics, organization_ids)
        return {each: known[each] for each in organization_ids[:MOST_ORGANIZATIONS] if each in known}


def _judge(
    basics: Basics,
    from_postgres: FromPostgres | None,
    from_redis: FromRedis | None,
    budgets: Mapping[str, BudgetSnapshot] | None = None,
) -> Checkup:
    found = _Found(basics, from_postgres or FromPostgres(), from_redis, budgets)
    return Checkup.of(
        [
            *_late(from_postgres, from_redis),
            *_about_servers(found),
            *_about_processes(found),
            *_about_connections(found),
        ],
        _unchecked(found),
    )


def _late(from_postgres: FromPostgres | None, from_redis: FromRedis | None) -> Iterator[Finding]:
    for part, name, result in ((Part.POSTGRES, "postgres_late", from_postgres), (Part.REDIS, "redis_late", from_redis)):
        if result is None:
            yield error(
                part,
                name,
                f"{part} did not respond within {LONGEST_SECONDS - _REDIS_SECONDS:.0f} s",
                cause="it hangs, is overloaded, or the network drops its packets",
                next_step=f"look at the load and the log of {part}, and at the network",
            )


def _about_servers(found: _Found) -> Iterator[Finding]:
    postgres, redis = found.postgres, found.redis
    yield from check_postgres(replace(postgres.postgres, failure=postgres.failure))
    yield from check_schema(postgres.schema)
    yield from check_keys(postgres.can_read_secrets)
    if redis is not None:
        lost = forgotten(found.basics, postgres.organizations_with_calls) if found.can_ask_redis else []
        yield from check_redis(RedisFacts(redis.state, redis.foreign_keys, redis.inspected_keys, lost))
    yield from check_clocks(
        ClockFacts(postgres.clock_ahead_seconds, _redis_ahead(found), postgres.zoho_ahead_seconds, postgres.rows)
    )


def _redis_ahead(found: _Found) -> float | None:
    """How far Redis's clock is ahead of Postgres's; None if one of the two is unknown."""
    here = found.postgres.clock_ahead_seconds
    ahead = found.redis.clock_ahead_seconds if found.redis else None
    return None if here is None or ahead is None else ahead + here


def _about_processes(found: _Found) -> list[Finding]:
    postgres = found.postgres
    reports = found.redis.reports if found.redis else None
    lease_seconds = found.basics.settings.claim_seconds
    if postgres.rows is None:
        # Without the rows only the workers' own reports are known.
        rows = Processes((), found.now)
        return [
            each
            for each in check_processes(ProcessFacts(rows, reports, 0.0, lease_seconds))
            if each.name.startswith("worker_")
        ]
    return check_processes(ProcessFacts(postgres.rows, reports, postgres.scheduler_silent_seconds, lease_seconds))


def _about_connections(found: _Found) -> Iterator[Finding]:
    postgres = found.postgres
    queues = found.redis.queues if found.redis else {}
    if not _has_connections(postgres):
        yield from check_runs(WorkFacts((), postgres.dead_letters, queues))
        return
    organizations = sorted({state["organization_id"] for state in postgres.states})
    budgets = found.budgets(organizations)
    connections = [_connection(found, state, budgets) for state in postgres.states]
    yield from check_connections(connections)
    yield from check_zoho(connections)
    yield from check_runs(WorkFacts(connections, postgres.dead_letters, queues))
    yield from check_webhooks(WebhookFacts(connections, postgres.oldest_event_seconds))
    yield from check_reminders(connections)


def _has_connections(postgres: FromPostgres) -> bool:
    """Whether the states of the connections were read."""
    return "refusals" in postgres.read


def _connection(found: _Found, state: dict[str, Any], budgets: Mapping[str, BudgetSnapshot]) -> ConnectionFacts:
    connection_id = state["connection_id"]
    return ConnectionFacts(
        state=state,
        now=found.now,
        sync_interval_seconds=found.basics.settings.sync_interval_seconds,
        budget=budgets.get(state["organization_id"]),
        refused=found.postgres.refused.get(connection_id, {}),
        distrusted=found.postgres.distrusted.get(connection_id, {}),
        doubtful=found.postgres.doubtful.get(connection_id),
    )


def _unchecked(found: _Found) -> dict[Part, str]:
    postgres = found.postgres
    unchecked = {}
    if postgres.schema is not None and postgres.schema.fit is not SchemaFit.FITS:
        why = "the schema does not fit this release"
    else:
        why = "Postgres does not work" if postgres.failure else "Postgres is too slow"
    for part, name in _READ_FOR.items():
        if name not in postgres.read:
            unchecked[part] = why
    if not found.can_ask_redis:
        unchecked.setdefault(Part.ZOHO, "Redis does not work")
    return unchecked


#: Part → what must be read from Postgres for its checks.
_READ_FOR: Final = {
    Part.SCHEMA: "schema",
    Part.PROCESSES: "processes",
    Part.CLOCKS: "clocks",
    Part.KEYS: "keys",
    Part.ZOHO: "refusals",
    Part.CONNECTIONS: "refusals",
    Part.RUNS: "refusals",
    Part.WEBHOOKS: "refusals",
    Part.REMINDERS: "refusals",
}
