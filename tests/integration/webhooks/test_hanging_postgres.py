"""Promises of the web process while Postgres hangs: Postgres accepts connections, but sends no response."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from db import engine as engines
from db.engine import new_engine
from tests.integration.db.connection_builders import a_connection
from tests.integration.environment import environment_of_a_process
from tests.integration.webhooks.black_hole import BlackHole, a_black_hole
from tests.integration.webhooks.hooks import post
from tests.webhooks import signed_json
from workers.boot.resources import Resources, open_resources
from workers.web import app as web_app
from workers.web import webhooks
from workers.web.app import app

pytestmark = pytest.mark.slow

#: The time limit of a statement in these tests; the web process has a longer one.
SECONDS = 0.5
#: The shortest time limit that libpq allows.
CONNECT_SECONDS = 2

#: The time for a pooled connection, a new connection and a thread, with a margin for a busy machine.
SOME_SECONDS = SECONDS + CONNECT_SECONDS + SECONDS + 3.0

DOCUMENT = {"contact": {"contact_id": "5001", "last_modified_time": "2026-03-02T09:30:00+0000"}}


@pytest.fixture
def hole(database_url: str) -> Iterator[BlackHole]:
    with a_black_hole(database_url) as opened:
        yield opened


@pytest.fixture
def resources(
    hole: BlackHole, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    monkeypatch.setattr(engines, "CONNECT_TIMEOUT_SECONDS", CONNECT_SECONDS)
    monkeypatch.setattr(webhooks, "LONGEST_WAIT_SECONDS", SECONDS)
    engine = new_engine(hole.url, application_name="booksync tests", response_seconds=SECONDS)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as opened,
    ):
        yield replace(opened, engine=engine)
    engine.dispose()


@pytest.fixture
def connection_id(resources: Resources) -> uuid.UUID:
    return a_connection(resources.engine).connection_id


def told(resources: Resources, connection_id: uuid.UUID) -> tuple[httpx.Response, float]:
    """The response, and its time in seconds."""
    began = time.monotonic()
    answer = post(resources, f"/webhooks/zoho/{connection_id}", *signed_json("any", DOCUMENT))
    return answer, time.monotonic() - began


def test_a_webhook_gets_503_with_retry_after_within_some_seconds(
    hole: BlackHole, resources: Resources, connection_id: uuid.UUID
) -> None:
    assert told(resources, connection_id)[0].status_code == 401
    hole.swallow()
    for _ in range(2):
        answer, seconds = told(resources, connection_id)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert seconds <= SOME_SECONDS


def test_many_concurrent_webhooks_get_503_within_some_seconds(
    hole: BlackHole, resources: Resources, connection_id: uuid.UUID
) -> None:
    """There are more requests than threads in the process, and more threads than connections to Postgres."""
    body, headers = signed_json("any", DOCUMENT)

    async def ask() -> list[httpx.Response]:
        app.state.resources = resources
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://booksync") as client:
            path = f"/webhooks/zoho/{connection_id}"
            return await asyncio.gather(*(client.post(path, content=body, headers=headers) for _ in range(100)))

    hole.swallow()
    began = time.monotonic()
    answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - began <= SOME_SECONDS


def test_readyz_reports_an_unresponsive_postgres(
    hole: BlackHole, resources: Resources, connection_id: uuid.UUID
) -> None:
    assert connection_id
    hole.swallow()
    began = time.monotonic()
    answer = post(resources, "/readyz", b"", {}, method="GET")
    assert (answer.status_code, answer.json()["database"]) == (503, "does not respond")
    assert time.monotonic() - began <= SOME_SECONDS


def test_the_web_process_opens_an_engine_with_these_time_limits(
    hole: BlackHole, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            here = f"http://booksync/webhooks/zoho/{uuid.uuid4()}"
            before = await client.post(here, json=DOCUMENT)
            hole.swallow()
            return [before, await client.post(here, json=DOCUMENT)]

    monkeypatch.setattr(engines, "CONNECT_TIMEOUT_SECONDS", CONNECT_SECONDS)
    monkeypatch.setattr(web_app, "POSTGRES_SECONDS", SECONDS)
    monkeypatch.setattr(web_app, "set_up_logs", lambda: None)
    began = time.monotonic()
    with environment_of_a_process(monkeypatch, database_url=hole.url, redis_url=redis_url):
        before, after = asyncio.run(ask())
    assert (before.status_code, after.status_code) == (401, 503)
    assert time.monotonic() - began <= SOME_SECONDS
