"""Fixtures and servers that integration tests share."""

from collections.abc import Iterator

import pytest

from tests.integration.environment import environment_of_a_process
from workers.boot.resources import Resources, open_resources


@pytest.fixture
def resources(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """The resources of a booksync process that makes no call to Zoho."""
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as opened,
    ):
        yield opened
