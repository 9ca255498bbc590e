"""A connection whose first sync is done, so later changes come from webhooks."""

import pytest

from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import bench, resources, zoho
from tests.integration.webhooks.hooks import Hooks

__all__ = ["bench", "hooks", "resources", "zoho"]


@pytest.fixture
def hooks(bench: Bench) -> Hooks:
    assert bench.sync()["status"] == "succeeded"
    bench.zoho.reset_stats()
    return Hooks(bench)
