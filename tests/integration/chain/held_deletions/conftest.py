"""A synced connection; a test that asks for `lost` starts after a loss of many invoices."""

import pytest

from tests.integration.chain.bench import Bench
from tests.integration.chain.held_deletions.losses import AFTER_A_LOSS, MANY
from tests.integration.snapshots import SYNCED, State


@pytest.fixture
def connection_id(synced: Bench) -> str:
    return str(synced.connection_id)


@pytest.fixture
def synced_state(request: pytest.FixtureRequest) -> State:
    return AFTER_A_LOSS if "lost" in request.fixturenames else SYNCED


@pytest.fixture
def lost(synced: Bench) -> list[str]:
    """Many invoices that were deleted in Zoho, and that a full run has found missing."""
    ids = sorted(synced.invoices().keys() - {invoice["invoice_id"] for invoice in synced.zoho.snapshot()["invoices"]})
    assert len(ids) == MANY
    return ids
