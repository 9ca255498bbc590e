"""Long actions of the console: they go on in the background, show their progress, and end with their process."""

import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.integration.db.dead_letter_builders import letter
from tests.integration.db.look import change, rows
from tests.integration.web.console_browser import ConsoleBrowser
from tests.integration.web.dead_letter_pages import actions, messages, send, shown_with, statuses
from workers.boot.basics import Basics
from workers.services import activity
from workers.services import retry as retry_service
from workers.web.app import app
from workers.web.console import long_actions


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_actions, "PATIENCE_SECONDS", 0)


@pytest.fixture
def held(olga: ConsoleBrowser, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds each retry until the event is set. It ends before olga's web process, which waits for the retries."""
    may_go = threading.Event()
    really = retry_service._retry

    def wait(*given: Any) -> Any:
        result = really(*given)
        may_go.wait()
        return result

    monkeypatch.setattr(retry_service, "_retry", wait)
    yield may_go
    may_go.set()


def test_a_long_action_has_a_page_with_its_progress(
    olga: ConsoleBrowser, engine: Engine, held: threading.Event
) -> None:
    messages(engine, 4)
    address = send(olga, "/dead-letters/retry").headers["location"].removeprefix("..")
    assert re.fullmatch(r"/activity/[0-9a-f-]{36}", address)
    shown = shown_with(olga, address, "0 of 4 done")
    assert '<progress max="4" value="0">' in shown
    assert '<noscript><meta http-equiv="refresh"' in shown
    held.set()
    done = shown_with(olga, address, "4 of 4 retried")
    assert "4 of 4 done" in done
    assert "<noscript>" not in done


def test_the_end_of_the_process_interrupts_it_between_two_dead_letters(
    olga: ConsoleBrowser, engine: Engine, basics: Basics, held: threading.Event
) -> None:
    messages(engine, 3)
    address = send(olga, "/dead-letters/retry").headers["location"].removeprefix("..")
    app.state.long_actions.stopping.set()
    held.set()
    shown = shown_with(olga, address, "It was interrupted")
    assert "1 of 3 done" in shown
    assert basics.redis.llen("dramatiq:interactive") == 1
    again = [each["id"] for each in rows(engine, "SELECT id FROM booksync.dead_letters ORDER BY id")][1:]
    app.state.long_actions.stopping.clear()
    address = send(olga, "/dead-letters/retry").headers["location"].removeprefix("..")
    shown_with(olga, address, "2 of 2 retried")
    assert basics.redis.llen("dramatiq:interactive") == 3
    assert all(len(letter(engine, each)["history"]) == 2 for each in again), "each is sent once"


def test_an_operator_stops_it_between_two_dead_letters(
    olga: ConsoleBrowser, engine: Engine, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_SECONDS_BETWEEN_WRITES", 0.0)
    messages(engine, 4)
    address = send(olga, "/dead-letters/retry").headers["location"].removeprefix("..")
    assert "Stop the action" in shown_with(olga, address, "0 of 4 done")
    send(olga, f"{address}/stop")
    assert "The action ends within seconds" in olga.get(address).text
    held.set()
    shown = shown_with(olga, address, "1 of 4 retried")
    assert "A person has stopped it" in shown
    assert "by olga" in shown
    assert "Stop the action" not in shown
    assert len(letters_with_a_retry(engine)) == 1


def letters_with_a_retry(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT id FROM booksync.dead_letters WHERE jsonb_array_length(history) > 1")


@pytest.mark.parametrize("address", ["x", str(uuid.UUID(int=1))])
def test_an_unknown_action_is_not_stopped(olga: ConsoleBrowser, address: str) -> None:
    assert send(olga, f"/activity/{address}/stop").status_code == 404


def test_an_action_whose_process_was_killed_is_interrupted(ana: ConsoleBrowser, engine: Engine) -> None:
    action_id = uuid.uuid4()
    change(
        engine,
        """
        INSERT INTO booksync.operator_actions (id, operator, action, done, total, renewed_at)
        VALUES (:id, 'olga', 'retry dead letters', 2, 5, now() - interval '2 minutes')
        """,
        id=action_id,
    )
    shown = ana.get(f"/activity/{action_id}").text
    assert "2 of 5 done" in shown
    assert "It was interrupted" in shown


@pytest.mark.usefixtures("held")
def test_too_many_at_once_are_refused(olga: ConsoleBrowser, engine: Engine) -> None:
    for each in messages(engine, long_actions.MOST):
        assert "/activity/" in send(olga, "/dead-letters/retry", dead_letter=str(each)).headers["location"]
    send(olga, "/dead-letters/discard")
    assert "Several long actions are in progress" in olga.get("/dead-letters").text
    assert set(statuses(engine)) == {"open"}
    assert actions(engine)[-1][2] == "refused"
