"""Promises of db/connection_facts.py: all connections are read, in batches."""

import pytest
from sqlalchemy import Engine

from db import connection_facts
from db.session import autocommit
from tests.integration.db.connection_builders import a_connection


def test_every_connection_is_read_once_whatever_the_batch(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [str(a_connection(engine).connection_id) for _ in range(4)]
    for batch in (1, 2, 3, 4, 500):
        monkeypatch.setattr(connection_facts, "BATCH", batch)
        with autocommit(engine) as db:
            assert [state["connection_id"] for state in connection_facts.connection_states(db)] == known
