"""Promises of db/reminder_posts.py: a scheduler whose lease has expired changes nothing of another one's delivery."""

import pytest
from sqlalchemy import Engine

from db import hand_over, reminder_posts
from db.connections import Connection
from db.lease_errors import LeaseLostError
from db.reminder_posts import Post
from tests.integration.db.look import Row, change, row
from tests.integration.db.reminding import DUE_AT


@pytest.fixture
def expired(engine: Engine, due: Connection) -> Post:
    """A delivery whose lease has expired, and that another scheduler has posted since."""
    assert due
    with engine.begin() as db:
        claimed = hand_over.claim(db, at_most=1, at=DUE_AT)
        reminder_posts.enqueue(db, [each.handover_id for each in claimed])
    change(engine, "UPDATE booksync.handovers SET post_at = now() - interval '1 hour'")
    with engine.begin() as db:
        (first,) = reminder_posts.acquire(db, limit=1)
    change(engine, "UPDATE booksync.handovers SET post_at = now() - interval '1 hour'")
    with engine.begin() as db:
        (second,) = reminder_posts.acquire(db, limit=1)
        reminder_posts.note_posted(db, second)
    return first


def stored(engine: Engine) -> Row:
    return row(
        engine,
        "SELECT post_at, post_attempts, post_problem, posted_at IS NOT NULL AS is_posted FROM booksync.handovers",
    )


POSTED = {"post_at": None, "post_attempts": 2, "post_problem": None, "is_posted": True}


def test_an_expired_lease_releases_nothing(engine: Engine, expired: Post) -> None:
    with engine.begin() as db:
        reminder_posts.release(db, expired, seconds=0, refund_attempt=True, problem="HTTP 500")
    assert stored(engine) == POSTED


def test_a_delivery_with_an_expired_lease_is_not_given_up(engine: Engine, expired: Post) -> None:
    with pytest.raises(LeaseLostError), engine.begin() as db:
        reminder_posts.give_up(db, expired, "HTTP 500")
    assert stored(engine) == POSTED
