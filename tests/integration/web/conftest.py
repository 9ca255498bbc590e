"""The web process of each test."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.integration.environment import environment_of_a_process
from tests.integration.web.web_process import Ask, ask
from tests.process_logs import logs_of_a_process


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Ask]]:
    """Starts the web process with a database and a Redis, and returns the function that sends requests to it."""
    with ExitStack() as running:

        def start(database_url: str, redis_url: str) -> Ask:
            running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
            running.enter_context(logs_of_a_process())
            return lambda path, **headers: asyncio.run(ask(path, headers))

        yield start
