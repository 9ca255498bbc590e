"""Reads the state of a Redis server, without a retry."""

from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.boot.servers import RedisState, look_at_redis
from workers.redis_access.client import redis_client
from workers.redis_access.refusals import RefusalKind


def look_at(url: str, timeout_seconds: float = 2) -> RedisState:
    with redis_client(url, retry=Retry(NoBackoff(), 0), timeout_seconds=timeout_seconds) as client:
        return look_at_redis(client)


def kind_at(url: str) -> RefusalKind | None:
    refusal = look_at(url).refusal
    return refusal.kind if refusal else None
