"""Worlds for the properties of the API budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox.servers import EmbeddedValkey
from tests.properties.budgets import ClockedRedis, Worlds
from tests.unit.workers.budget.simulation import World, a_world


@pytest.fixture(scope="session")
def budget_world(valkey: EmbeddedValkey) -> Iterator[Worlds]:
    """Opens worlds on an empty Valkey."""
    with ClockedRedis.from_url(valkey.url) as client:

        @contextmanager
        def opened(**limits: Any) -> Iterator[World]:
            client.flushall()
            with a_world(**limits) as world:
                world.redis = client
                yield world
                for call in world.dead:  # or the collector would end it in another world
                    call.__exit__(None, None, None)

        yield opened
