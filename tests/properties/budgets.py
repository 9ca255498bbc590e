"""The simulation of the budget on a real Valkey, whose scripts read the test's clock: much faster than on fakeredis."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import redis
from redis.commands.core import Script

from tests.unit.workers.budget.simulation import World

#: Opens a world with these limits, see `simulation.a_world`.
Worlds = Callable[..., AbstractContextManager[World]]

_CLOCK = "clock"


class ClockedRedis(redis.Redis):
    """A client whose scripts read Python's clock, which a test can move, instead of the server's."""

    def register_script(self, script: Any) -> Script:
        clocked = script.replace(
            "redis.call('TIME')", f"{{string.match(redis.call('GET', '{_CLOCK}'), '(%d+) (%d+)')}}"
        )
        assert clocked != script
        return super().register_script(clocked)

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any:
        seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
        self.set(_CLOCK, f"{seconds} {microseconds}")
        return super().evalsha(sha, numkeys, *keys_and_args)
