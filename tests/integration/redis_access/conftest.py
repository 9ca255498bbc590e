"""A Valkey of its own for each test, which the test may bring into a faulty state."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.servers import EmbeddedValkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as running:
        yield running


@pytest.fixture
def administrator(server: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client
