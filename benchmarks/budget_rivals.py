"""A worker with other limiters: Dramatiq's own limiter, and the package `limits`."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import dramatiq
import limits
from dramatiq.middleware import Retries
from dramatiq.rate_limits import RateLimitExceeded, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend
from limits.strategies import MovingWindowRateLimiter

from benchmarks.budget_deliveries import Delivery, TellsWhenReady, connection_of, note
from benchmarks.polling import FrequentPolls
from db.connections import Connection
from workers.boot.process import resources
from workers.boot.settings import settings
from workers.budget import Lane
from workers.jobs.middleware import OwnProcessGroup, ProcessResources
from workers.queue import Queue, new_broker
from workers.redis_access import new_redis_client
from workers.secrets.tokens import SharedTokens
from workers.zoho import ZohoTransport
from workers.zoho.errors import Throttled

_REDIS_URL = settings().redis_url.get_secret_value()
_LIMIT = settings().zoho_requests_per_minute
_WINDOW_SECONDS = round(settings().zoho_window_seconds)

#: A message without a slot is retried as the limiters' manuals say: with growing delays, without end.
_RETRIES = Retries(
    max_retries=None,  # type: ignore[arg-type]  # None: no limit.
    min_backoff=_WINDOW_SECONDS * 1000 // 30,
    max_backoff=_WINDOW_SECONDS * 1000 // 3,
)

broker = new_broker(
    new_redis_client(_REDIS_URL, patient=True),
    [OwnProcessGroup(), FrequentPolls(), ProcessResources(), TellsWhenReady(), _RETRIES],
)
dramatiq.set_broker(broker)


class _Nothing:
    """A stub, because these limiters do not read responses."""

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Limited:
    """A limiter in place of the budget (implements `workers.zoho.Budget`)."""

    is_free: Callable[[str], bool]

    @contextmanager
    def call(self, organization_id: str, *, lane: Lane, holder: str) -> Iterator[_Nothing]:  # noqa: ARG002
        if not self.is_free(organization_id):
            raise RateLimitExceeded("no slot is free")  # type: ignore[no-untyped-call]
        yield _Nothing()


@lru_cache
def _dramatiq_window(organization_id: str) -> WindowRateLimiter:
    backend = RedisBackend(url=_REDIS_URL)
    key = f"window-{organization_id}"
    return WindowRateLimiter(backend, key, limit=_LIMIT, window=_WINDOW_SECONDS)  # type: ignore[no-untyped-call]


def _dramatiq_is_free(organization_id: str) -> bool:
    with _dramatiq_window(organization_id).acquire(raise_on_failure=False) as is_free:
        return bool(is_free)


_moving_window = MovingWindowRateLimiter(limits.storage.storage_from_string(_REDIS_URL))
_item = limits.RateLimitItemPerSecond(_LIMIT, _WINDOW_SECONDS)


@dramatiq.actor(queue_name=Queue.API)
def call_with_dramatiq_window(message: int, connection_id: str) -> None:
    _call(message, connection_id, _Limited(_dramatiq_is_free))


@dramatiq.actor(queue_name=Queue.API)
def call_with_moving_window(message: int, connection_id: str) -> None:
    _call(message, connection_id, _Limited(lambda organization_id: _moving_window.hit(_item, organization_id)))


def _call(message: int, connection_id: str, budget: _Limited) -> None:
    connection = connection_of(connection_id)
    delivery = Delivery(connection.organization_id, message, os.getpid(), began=time.monotonic())
    called = False
    try:
        _transport(connection, budget).get("/contacts", {"per_page": "1"})
        called = True
    except Throttled:
        raise RateLimitExceeded("refused") from None  # type: ignore[no-untyped-call]
    finally:
        note(resources().redis, delivery.over(called=called))


def _transport(connection: Connection, budget: _Limited) -> ZohoTransport:
    """Like `Resources.transport`, but with another limiter."""
    means = resources()
    hosts = means.hosts(connection.data_center)
    tokens = SharedTokens(means.engine, means.vault, means.http, means.oauth_client(hosts), connection.connection_id)
    return ZohoTransport(
        means.http,
        organization_id=connection.organization_id,
        hosts=hosts,
        tokens=tokens,
        budget=budget,
        lane=Lane.BULK,
        holder="",
    )
