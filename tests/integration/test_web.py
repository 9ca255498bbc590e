"""Promises of workers/web: whether the process lives, and whether it can do its work or what it lacks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from db.migrations import Target, migrate
from sandbox.servers.ports import free_port
from tests.integration.environment import environment_of_a_process
from tests.process_logs import logs_of_a_process
from workers.web.app import app

Ask = Callable[[str], httpx.Response]
NOT_MIGRATED = "not at the expected version: run booksync migrate"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Ask]]:
    """Starts the web process over a database and a Redis, and asks it."""
    with ExitStack() as running:

        def start(database_url: str, redis_url: str) -> Ask:
            running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
            running.enter_context(logs_of_a_process())
            return lambda path: asyncio.run(ask(path))

        yield start


async def ask(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        return await client.get(f"http://booksync{path}")


def nowhere(scheme: str) -> str:
    """An address at which nothing listens."""
    return f"{scheme}://127.0.0.1:{free_port()}/0"


def test_it_lives_whatever_it_lacks(process: Callable[[str, str], Ask]) -> None:
    answer = process(nowhere("postgresql"), nowhere("redis"))("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_ready_when_all_is_there(process: Callable[[str, str], Ask], database_url: str, redis_url: str) -> None:
    answer = process(database_url, redis_url)("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "schema": "ok", "redis": "ok"})


def test_without_postgres_it_is_not(process: Callable[[str, str], Ask], redis_url: str) -> None:
    answer = process(nowhere("postgresql"), redis_url)("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "does not answer", "schema": "unknown", "redis": "ok"}


def test_without_redis_it_is_not(process: Callable[[str, str], Ask], database_url: str) -> None:
    answer = process(database_url, nowhere("redis"))("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "schema": "ok", "redis": "does not answer"}


@pytest.mark.parametrize("version", [None, Target.LEGACY, Target.PHASE1])
def test_before_the_migration_it_is_not(
    process: Callable[[str, str], Ask], postgres_url: str, redis_url: str, version: Target | None
) -> None:
    if version is not None:
        migrate(postgres_url, version)
    answer = process(postgres_url, redis_url)("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "schema": NOT_MIGRATED, "redis": "ok"}


def test_without_anything_it_says_so_of_each(process: Callable[[str, str], Ask]) -> None:
    answer = process(nowhere("postgresql"), nowhere("redis"))("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "does not answer", "schema": "unknown", "redis": "does not answer"}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_nobody_is_told_what_it_is_made_of(
    process: Callable[[str, str], Ask], database_url: str, redis_url: str, path: str
) -> None:
    assert process(database_url, redis_url)(path).status_code == 404
