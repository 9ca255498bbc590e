"""A handover whose outcome is reported."""

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from db.hand_over import Claimed
from tests.integration.db.outcomes.reports import DUE_AT, prepare
from tests.integration.db.reminding import claim


@pytest.fixture
def handed_over(engine: Engine, connection: Connection) -> Claimed:
    """Hand over the only reminder of the due date."""
    prepare(engine, connection)
    (taken,) = claim(engine, at=DUE_AT)
    return taken
