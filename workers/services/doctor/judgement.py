"""The judgement of an installation: all checks over the facts that were read from Postgres and Redis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from db.migrations.revisions import SchemaFit
from domain.processes import Processes
from workers.boot.basics import Basics
from workers.budget import BudgetSnapshot
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.clocks import ClockFacts, check_clocks
from workers.services.doctor.connections import ConnectionFacts, DoubtfulNumbers, check_connections
from workers.services.doctor.findings import Finding, Part, error
from workers.services.doctor.from_postgres import FromPostgres
from workers.services.doctor.from_redis import FromRedis, forgotten, read_budgets
from workers.services.doctor.keys import check_keys
from workers.services.doctor.postgres import check_postgres
from workers.services.doctor.processes import ProcessFacts, check_processes
from workers.services.doctor.redis_server import RedisFacts, check_redis
from workers.services.doctor.reminders import check_reminders
from workers.services.doctor.runs import WorkFacts, check_runs
from workers.services.doctor.schema import check_schema
from workers.services.doctor.webhooks import WebhookFacts, check_webhooks
from workers.services.doctor.zoho import check_zoho

#: The time within which Postgres and Redis must respond.
SERVERS_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read from the servers; None for a server that did not respond in time."""

    basics: Basics
    postgres: FromPostgres
    redis: FromRedis | None

    @property
    def now(self) -> datetime:
        return self.postgres.now or datetime.now(UTC)

    @property
    def can_ask_redis(self) -> bool:
        return self.redis is not None and self.redis.state.refusal is None


def judge(
    basics: Basics,
    from_postgres: FromPostgres | None,
    from_redis: FromRedis | None,
    about_connections: Sequence[Finding] | None = None,
) -> Checkup:
    """Judge what was read; None for a server that did not respond in time.

    `about_connections` are the findings of `examine_connections`, if the caller has them already.
    """
    found = _Found(basics, from_postgres or FromPostgres(), from_redis)
    if about_connections is None:
        about_connections = _about_connections(found)
    return Checkup.of(
        [
            *_late(from_postgres, from_redis),
            *_about_servers(found),
            *_about_processes(found),
            *about_connections,
            *_about_work(found),
        ],
        _unchecked(found),
    )


def _late(from_postgres: FromPostgres | None, from_redis: FromRedis | None) -> Iterator[Finding]:
    for part, name, result in ((Part.POSTGRES, "postgres_late", from_postgres), (Part.REDIS, "redis_late", from_redis)):
        if result is None:
            yield error(
                part,
                name,
                f"{part} did not respond within {SERVERS_SECONDS:.0f} s",
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


def _about_work(found: _Found) -> Iterator[Finding]:
    postgres = found.postgres
    queues = found.redis.queues if found.redis else {}
    yield from check_runs(WorkFacts((), postgres.dead_letters, postgres.dead_letters_since, queues))
    yield from check_webhooks(WebhookFacts((), postgres.oldest_event_seconds))


def _about_connections(found: _Found) -> Sequence[Finding]:
    postgres = found.postgres
    if "states" not in postgres.read:
        return ()
    organizations = sorted({state["organization_id"] for state in postgres.states})
    budgets = read_budgets(found.basics, organizations) if found.can_ask_redis else {}
    return examine_connections(found.basics, postgres.states, budgets, found.now, postgres.doubtful)


def examine_connections(
    basics: Basics,
    states: Sequence[dict[str, Any]],
    budgets: Mapping[str, BudgetSnapshot],
    now: datetime,
    doubtful: Mapping[str, DoubtfulNumbers],
) -> list[Finding]:
    """Return the troubles of the connections, each with its connection.

    `states` is as `connection_facts.connection_states` returns it; `budgets` is by organisation, and lacks those that
    are not known; `doubtful` is by connection, and lacks those that were not counted.
    """
    if not states:
        return check_connections([])
    found: dict[str, Finding] = {}
    for state in states:
        connection_id = state["connection_id"]
        facts = ConnectionFacts(
            state=state,
            now=now,
            sync_interval_seconds=basics.settings.sync_interval_seconds,
            budget=budgets.get(state["organization_id"]),
            refused=state["webhooks_refused"],
            distrusted=state["distrusted"],
            doubtful=doubtful.get(connection_id),
        )
        for finding in _about_connection(facts):
            # The troubles of an organisation are reported once, although it may have several connections.
            found.setdefault(finding.what, replace(finding, connection_id=connection_id))
    return list(found.values())


def _about_connection(facts: ConnectionFacts) -> Iterator[Finding]:
    yield from check_connections([facts])
    yield from check_zoho([facts])
    yield from check_runs(WorkFacts([facts]))
    yield from check_webhooks(WebhookFacts([facts]))
    yield from check_reminders([facts])


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
    Part.ZOHO: "states",
    Part.CONNECTIONS: "states",
    Part.RUNS: "states",
    Part.WEBHOOKS: "states",
    Part.REMINDERS: "states",
}
