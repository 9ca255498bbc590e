"""The Redis client of a process: patient in workers, but quick to fail if a person or a web request waits."""

from typing import Any

import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from workers.redis_access.addresses import is_sentinel, sentinel_address
from workers.redis_access.refusal_log import LoggedRetry

#: The tries of a worker's client, a second apart, so that the worker survives a restart of Redis. Dramatiq's own client
#: would not retry.
_PATIENT_TRIES = 60
_PATIENT_PAUSE_SECONDS = 1.0

_QUICK_TRIES = 2
_QUICK_PAUSE_SECONDS = 0.1

_TIMEOUT_SECONDS = 5


def new_redis_client(url: str, *, patient: bool) -> redis.Redis:
    """A Redis client that repeats a command after its connection breaks; it connects at the first command."""
    retry = (
        LoggedRetry(ConstantBackoff(_PATIENT_PAUSE_SECONDS), _PATIENT_TRIES)
        if patient
        else Retry(ConstantBackoff(_QUICK_PAUSE_SECONDS), _QUICK_TRIES)
    )
    return redis_client(url, retry=retry, timeout_seconds=_TIMEOUT_SECONDS)


def redis_client(url: str, *, retry: Retry, timeout_seconds: float) -> redis.Redis:
    """A client of the Redis server, or of the primary that the Sentinels name at each new connection."""
    options: dict[str, Any] = {
        "retry": retry,
        "retry_on_error": [redis.ConnectionError, redis.TimeoutError],
        "socket_connect_timeout": timeout_seconds,
        "socket_timeout": timeout_seconds,
        "health_check_interval": 30,
    }
    if not is_sentinel(url):
        return redis.Redis.from_url(url, **options)
    address = sentinel_address(url)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        address.sentinels,
        sentinel_kwargs={
            # Each Sentinel is asked once, because the next Sentinel is quicker than a second try.
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": timeout_seconds,
            "socket_timeout": timeout_seconds,
            **address.sentinel_options,
        },
    )
    primary: redis.Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        address.service, connection_pool_class=_SentinelPool, **{**options, **address.server_options}
    )
    return primary


class _FollowingConnection(SentinelManagedConnection):
    """A connection to the primary that asks the Sentinels for its address at every connect.

    redis-py's own class asks the Sentinels only when the pool hands a connection out. If the connection then breaks, a
    command reconnects to the old address until its retries end, although another server may be the primary by then.
    """

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self._sock:
            # The connection tries only once, because the command has its own retry.
            self._connect_retry()  # type: ignore[no-untyped-call]
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]


class _FollowingSSLConnection(_FollowingConnection, SentinelManagedSSLConnection):
    """A connection like `_FollowingConnection`, over TLS."""


class _SentinelPool(SentinelConnectionPool):
    """A pool of connections to the primary.

    When all connections of the pool are closed, those to the Sentinels are closed too.
    """

    def __init__(self, *args: Any, ssl: bool = False, **kwargs: Any) -> None:
        connection_class = _FollowingSSLConnection if ssl else _FollowingConnection
        super().__init__(*args, connection_class=connection_class, **kwargs)  # type: ignore[no-untyped-call]

    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        # After a failover redis-py closes only the idle connections, while it asks the Sentinels, so the connections to
        # the Sentinels then stay open.
        if inuse_connections:
            self.sentinel_manager.close()
