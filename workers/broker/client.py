"""The Redis client of a process: patient in workers, quick to fail where a person or a web request waits."""

from urllib.parse import urlsplit

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

#: A worker rides out a restart of Redis: sixty tries, a second apart. Dramatiq's own client would not retry at all.
_PATIENT_TRIES = 60
_PATIENT_PAUSE_SECONDS = 1.0

_QUICK_TRIES = 2
_QUICK_PAUSE_SECONDS = 0.1

_TIMEOUT_SECONDS = 5


def new_redis_client(url: str, *, patient: bool) -> redis.Redis:
    """A client that repeats a command when the connection breaks; it connects when first used."""
    retry = (
        Retry(ConstantBackoff(_PATIENT_PAUSE_SECONDS), _PATIENT_TRIES)
        if patient
        else Retry(ConstantBackoff(_QUICK_PAUSE_SECONDS), _QUICK_TRIES)
    )
    return redis.Redis.from_url(
        url,
        retry=retry,
        retry_on_error=[redis.ConnectionError, redis.TimeoutError],
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        health_check_interval=30,
    )


def redis_address(url: str) -> str:
    """Host and port of a Redis address, without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
