"""What each process opens first: settings, engine, Redis client, counters and the API budget.

A command that only shows states needs nothing else, so it loads neither the HTTP client nor the queue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from sqlalchemy import Engine

from db.engine import POOL_SIZE, new_engine
from workers.boot.calls import new_budget
from workers.boot.settings import Settings, settings
from workers.budget import ApiBudget
from workers.observability.counters import Counters
from workers.redis_access import new_redis_client

#: A Postgres connection that was used within this time is used again without a check.
_UNCHECKED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Basics:
    """The settings, the clients of Postgres and Redis, the API budget and the counters of one process."""

    settings: Settings
    engine: Engine
    redis: redis.Redis
    budget: ApiBudget
    counters: Counters


@contextmanager
def open_basics(
    application_name: str,
    own_settings: Settings | None = None,
    *,
    postgres_seconds: float | None = None,
    pool_size: int = POOL_SIZE,
) -> Iterator[Basics]:
    """Open the basics of a process and close them at the end of the block. Connections are made on first use.

    `own_settings` replace those of `settings()`. `postgres_seconds` limits the duration of each statement. `pool_size`
    is that of `new_engine`.

    Raises:
        SettingsError: a setting is missing or malformed.
    """
    found = own_settings or settings()
    engine = new_engine(
        found.database_url.get_secret_value(),
        application_name=application_name,
        pool_size=pool_size,
        response_seconds=postgres_seconds,
        # Work whose connection was lost is repeated, so its connections need no check. A process with a time limit
        # serves requests, which are not repeated.
        unchecked_seconds=_UNCHECKED_SECONDS if postgres_seconds is None else 0.0,
    )
    client = new_redis_client(found.redis_url.get_secret_value(), patient=False)
    counters = Counters.at(found.redis_url.get_secret_value())
    try:
        yield Basics(
            settings=found,
            engine=engine,
            redis=client,
            budget=new_budget(client, engine, counters, found),
            counters=counters,
        )
    finally:
        counters.close()
        client.close()
        engine.dispose()
