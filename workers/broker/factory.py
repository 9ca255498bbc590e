"""The broker and its middleware, in the order in which they act."""

from collections.abc import Sequence

import redis
from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker

#: A dead worker's messages come back when maintenance finds its heartbeat this old, …
_HEARTBEAT_TIMEOUT_MS = 30_000
#: … and maintenance comes with every tenth command; the default, every thousandth, leaves them for half an hour.
_MAINTENANCE_CHANCE_IN_A_MILLION = 100_000


def new_broker(client: redis.Redis, middleware: Sequence[Middleware] = ()) -> RedisBroker:
    """A broker over this client, with that middleware and none of Dramatiq's own.

    A process that only sends needs no middleware at all.
    """
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=list(middleware),
        heartbeat_timeout=_HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=_MAINTENANCE_CHANCE_IN_A_MILLION,
    )
