"""Reads from Redis what the doctor's checks need, as far as Redis's access rules allow."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import redis

from workers.boot.basics import Basics
from workers.boot.servers import RedisState, look_at_redis
from workers.budget import BudgetSnapshot, BudgetUnavailable
from workers.observability.worker_states import WorkerReport, known_reports
from workers.queue import Queue, ready_messages
from workers.queue.oldest import oldest_seconds
from workers.services.doctor.redis_server import is_foreign

#: The keys that are inspected for those of other programs.
_INSPECTED: Final = 500

#: The most organisations whose budget is judged.
MOST_ORGANIZATIONS: Final = 100


@dataclass(slots=True)
class FromRedis:
    """What was read from Redis. A fact that could not be read is None or empty."""

    state: RedisState
    clock_ahead_seconds: float | None = None  #: how far Redis's clock is ahead of this host's
    reports: Sequence[WorkerReport] | None = None
    queues: dict[Queue, tuple[int, float]] = field(default_factory=dict)
    foreign_keys: int = 0
    inspected_keys: int = 0


def read_redis(basics: Basics) -> FromRedis:
    """Read the facts. No failure is raised; it becomes a fact."""
    client = basics.redis
    found = FromRedis(look_at_redis(client))
    if not found.state.responds:
        return found
    # Each part may be denied by Redis's access rules.
    with suppress(redis.RedisError):
        seconds, microseconds = client.time()
        found.clock_ahead_seconds = seconds + microseconds / 1e6 - time.time()
    found.reports = known_reports(client)
    with suppress(redis.RedisError):
        oldest = oldest_seconds(client)
        found.queues = {queue: (ready_messages(client, queue), oldest[queue]) for queue in Queue}
    with suppress(redis.RedisError):
        _, keys = client.scan(count=_INSPECTED)
        found.inspected_keys = len(keys)
        found.foreign_keys = sum(is_foreign(_text(key)) for key in keys)
    return found


def _text(key: bytes | str) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else key


def read_budgets(basics: Basics, organization_ids: Sequence[str]) -> Mapping[str, BudgetSnapshot]:
    """The API budgets of organisations; none while Redis is unavailable."""
    with suppress(BudgetUnavailable):
        return basics.budget.snapshots(organization_ids[:MOST_ORGANIZATIONS])
    return {}


def forgotten(basics: Basics, organization_ids: Sequence[str]) -> list[str]:
    """The organisations of which Redis has no record of calls; none while Redis is unavailable."""
    with suppress(BudgetUnavailable):
        return basics.budget.forgotten(organization_ids[:MOST_ORGANIZATIONS])
    return []
