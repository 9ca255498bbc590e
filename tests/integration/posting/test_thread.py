"""Promises of the scheduler's posting thread: it posts if there is an address, and survives any error."""

import threading

import httpx
import pytest
from sqlalchemy import Engine

from tests.integration.db.look import row
from tests.integration.environment import environment_of_a_process
from tests.integration.posting.inbox import SECRET, Inbox
from workers.boot.resources import open_resources
from workers.handover.posting import post_due, posting
from workers.handover.receiver import Receiver


@pytest.mark.usefixtures("due")
def test_the_scheduler_posts_in_a_thread_of_its_own(
    database_url: str, redis_url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDER_WEBHOOK_URL", inbox.url)
    monkeypatch.setenv("REMINDER_WEBHOOK_SECRET", SECRET)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert inbox.has_mail.wait(timeout=20)
    assert len(inbox.got) == 1


@pytest.mark.usefixtures("due")
def test_the_posting_thread_survives_any_error(
    database_url: str, redis_url: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMINDER_WEBHOOK_URL", inbox.url)
    monkeypatch.setenv("REMINDER_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr("workers.handover.posting._TICK_SECONDS", 0.01)
    troubles = [ValueError("min() of nothing"), httpx.InvalidURL("https://[token")]

    def troubled(engine: Engine, receiver: Receiver) -> int:
        if troubles:
            raise troubles.pop()
        return post_due(engine, receiver)

    monkeypatch.setattr("workers.handover.posting.post_due", troubled)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert inbox.has_mail.wait(timeout=20)


@pytest.mark.usefixtures("due")
def test_without_an_address_no_reminder_is_claimed(
    engine: Engine, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
        posting(resources),
    ):
        assert "reminders" not in {thread.name for thread in threading.enumerate()}
    assert row(engine, "SELECT count(*) AS contacts FROM booksync.handovers")["contacts"] == 0
