"""A connection whose first sync is done, so later changes come from webhooks."""

from collections.abc import Iterator

import pytest

from tests.integration.snapshots import SYNCED, Snapshots
from tests.integration.webhooks.hooks import Hooks
from workers.web import refusals


@pytest.fixture
def hooks(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooks]:
    # The connection has the same id in all tests, so a web process must not count for the next test.
    refusals._counts.cache_clear()
    with snapshots.copied(SYNCED, monkeypatch) as bench:
        yield Hooks(bench)
