"""Promises of services/kept_reasons.py: many invoices are seldom counted, few ones at each look."""

import uuid
from collections.abc import Mapping
from typing import cast

import pytest

from db import invoice_lists
from db.session import Session
from workers.services.kept_reasons import KeptReasons, Reasons

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
DB = cast(Session, None)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The connections whose reasons were counted."""
    looks: list[uuid.UUID] = []

    def reasons(_db: Session, connection_id: uuid.UUID) -> Mapping[str, int]:
        looks.append(connection_id)
        return {"no_phone": 100 if connection_id == ONE else 5}

    monkeypatch.setattr(invoice_lists, "reasons", reasons)
    return looks


def test_large_counts_are_kept_for_a_minute(counted: list[uuid.UUID]) -> None:
    now = 0.0
    kept = KeptReasons(large=50, clock=lambda: now)
    assert kept.read(DB, ONE) == Reasons({"no_phone": 100}, 0.0)
    now = 59.0
    assert kept.read(DB, ONE) == Reasons({"no_phone": 100}, 59.0)
    now = 60.0
    assert kept.read(DB, ONE).age_seconds == 0.0
    assert counted == [ONE, ONE]


def test_small_counts_are_made_at_each_look(counted: list[uuid.UUID]) -> None:
    kept = KeptReasons(large=50, clock=lambda: 0.0)
    for _ in range(2):
        assert kept.read(DB, OTHER) == Reasons({"no_phone": 5}, 0.0)
    assert counted == [OTHER, OTHER]
