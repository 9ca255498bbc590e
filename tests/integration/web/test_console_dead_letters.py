"""The console's dead letters: groups, one group, one dead letter, and an operator's decisions."""

import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.operators import Role
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.dead_letter_builders import a_death, a_message, a_run, end, kept, letter
from tests.integration.db.look import change, row, rows
from tests.integration.web.console_browser import PASSWORD, ConsoleBrowser
from tests.integration.web.console_statements import Statements, counted_statements
from workers.boot.basics import Basics
from workers.services import retry as retry_service
from workers.services.operators import save_operator
from workers.web.app import app
from workers.web.console import dead_letters as page
from workers.web.console import long_actions


@pytest.fixture
def engine(basics: Basics) -> Engine:
    return basics.engine


@pytest.fixture
def olga(basics: Basics, browser: ConsoleBrowser) -> ConsoleBrowser:
    """The browser of an operator who is signed in."""
    save_operator(basics, "olga", Role.OPERATOR, PASSWORD)
    assert browser.sign_in("olga", PASSWORD).status_code == 303
    return browser


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


@pytest.fixture
def statements() -> Iterator[Statements]:
    with counted_statements() as found:
        yield found


def a_failed_run(engine: Engine, connection: Connection, **named: str) -> int:
    """A dead letter of a run that has ended."""
    run_id = a_run(engine, connection)
    dead_letter_id = kept(engine, a_death(connection, run_id, **named))
    end(engine, run_id, "failed")
    return dead_letter_id


def messages(engine: Engine, count: int) -> list[int]:
    """Dead letters of one group, each of another message."""
    return [kept(engine, a_message(str(number))) for number in range(count)]


def send(browser: ConsoleBrowser, path: str, **form: str) -> Any:
    """Send one of the page's forms, with the token of its session."""
    return browser.post(path, None, csrf_token=browser.token("/dead-letters"), **form)


def shown_with(browser: ConsoleBrowser, address: str, words: str) -> str:
    """The page, once it has the words."""
    until = time.monotonic() + 20
    while words not in (shown := browser.get(address).text):
        assert time.monotonic() < until, shown
    return shown


def actions(engine: Engine) -> list[tuple[Any, ...]]:
    found = rows(
        engine,
        "SELECT operator, action, state, subject, note, result FROM booksync.operator_actions "
        "WHERE action <> 'sign-in' ORDER BY began_at, id",
    )
    return [tuple(each.values()) for each in found]


def statuses(engine: Engine) -> list[str]:
    return [each["status"] for each in rows(engine, "SELECT status FROM booksync.dead_letters ORDER BY id")]


class TestList:
    def test_without_dead_letters_there_is_nothing_to_do(self, ana: ConsoleBrowser) -> None:
        response = ana.get("/dead-letters")
        assert response.status_code == 200
        assert "Nothing to do" in response.text
        assert "<table" not in response.text

    def test_a_group_has_its_actor_error_count_and_a_link(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        messages(engine, 3)
        dead_letter_id = a_failed_run(engine, connection)
        shown = ana.get("/dead-letters").text
        group = letter(engine, dead_letter_id)["fingerprint"]
        assert "upsert_customers" in shown
        assert "KeyError" in shown
        assert f'href="./dead-letters?group={group}"' in shown
        assert re.search(r'<td class="number">3</td><td>resync_contact</td>', shown)

    def test_the_filter_chooses_by_actor_error_and_connection(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        other = a_connection(engine)
        a_failed_run(engine, connection, error="KeyError")
        a_failed_run(engine, other, error="ValueError")
        messages(engine, 1)
        for query, count in (
            ("actor=upsert_customers", 2),
            ("error=ValueError", 1),
            (f"connection={other.connection_id}", 1),
            (f"connection={other.connection_id}&error=KeyError", 0),
            ("status=discarded", 0),
        ):
            assert f">{count} " in ana.get(f"/dead-letters?{query}").text, query

    def test_a_group_shows_its_dead_letters_page_by_page(
        self, ana: ConsoleBrowser, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page, "LETTERS", 2)
        created = messages(engine, 5)
        address, found = f"/dead-letters?group={letter(engine, created[0])['fingerprint']}", []
        while address:
            shown = ana.get(address).text
            found += [int(number) for number in re.findall(r'href="\./dead-letters/(\d+)"', shown)]
            following = re.search(r'href="\.(/[^"]+)" rel="next"', shown)
            address = following[1].replace("&amp;", "&") if following else ""
        assert found == created[::-1]

    def test_groups_are_shown_page_by_page(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page, "GROUPS", 2)
        for number in range(5):
            a_failed_run(engine, connection, error=f"Error{number}")
        address, found = "/dead-letters", []
        while address:
            shown = ana.get(address).text
            found += re.findall(r"<td>(Error\d)", shown)
            following = re.search(r'href="\.(/[^"]+)" rel="next"', shown)
            address = following[1] if following else ""
        assert found == [f"Error{number}" for number in range(4, -1, -1)]

    @pytest.mark.parametrize(
        "path",
        [
            "/dead-letters?connection=x",
            "/dead-letters?status=x",
            "/dead-letters?group=x&after=y",
            "/dead-letters/x",
            "/dead-letters/0",
            "/dead-letters/99999999999999999999",
            "/dead-letters/²",
            "/dead-letters?actor=%00",
            "/dead-letters?after=%00",
        ],
    )
    def test_a_malformed_address_is_a_page_that_does_not_exist(self, ana: ConsoleBrowser, path: str) -> None:
        response = ana.get(path)
        assert response.status_code == 404
        assert "There is no such page" in response.text

    def test_a_page_makes_few_queries(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection, statements: Statements
    ) -> None:
        dead_letter_id = a_failed_run(engine, connection)
        for path in ("/dead-letters", "/dead-letters?group=x", f"/dead-letters/{dead_letter_id}"):
            with statements.at_most(6):
                ana.get(path)


class TestOne:
    def test_it_shows_the_facts_and_the_folded_traceback(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        shown = ana.get(f"/dead-letters/{a_failed_run(engine, connection)}").text
        assert "<details><summary>Traceback</summary>" in shown
        assert str(connection.connection_id) in shown
        assert "<form" not in shown.replace('<form method="post" action="../sign-out">', "")

    def test_texts_cannot_become_html(self, ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        run_id = a_run(engine, connection)
        hostile = "<script>alert(1)</script>\u202e" + "x" * 500
        death = replace(a_death(connection, run_id), error=hostile, traceback=hostile, arguments={"args": [hostile]})
        dead_letter_id = kept(engine, death)
        change(engine, "UPDATE booksync.zoho_connections SET own_name = :name", name=hostile)
        for path in ("/dead-letters", f"/dead-letters/{dead_letter_id}", f"/dead-letters?group={death.fingerprint}"):
            assert "<script>alert" not in ana.get(path).text


class TestDiscard:
    def test_one_is_discarded_with_its_note(self, olga: ConsoleBrowser, engine: Engine) -> None:
        first, second = messages(engine, 2)
        response = send(olga, "/dead-letters/discard", dead_letter=str(first), note="not needed")
        assert response.headers["location"] == f"../dead-letters/{first}"
        assert (letter(engine, first)["status"], letter(engine, first)["note"]) == ("discarded", "not needed")
        assert letter(engine, second)["status"] == "open"
        assert actions(engine) == [
            ("olga", "discard dead letters", "done", f"dead letter {first}", "not needed", "1 of 1 discarded.")
        ]
        assert "1 of 1 discarded." in olga.get("/dead-letters").text

    def test_a_filter_discards_only_what_it_chooses(
        self, olga: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        messages(engine, 2)
        a_failed_run(engine, connection)
        response = send(olga, "/dead-letters/discard", actor="resync_contact")
        assert response.headers["location"] == "../dead-letters?actor=resync_contact"
        assert statuses(engine) == ["discarded", "discarded", "open"]

    def test_what_failed_after_the_page_was_loaded_stays_open(
        self, olga: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        a_failed_run(engine, connection)
        until = re.search(r'name="until" value="([^"]+)"', olga.get("/dead-letters").text)
        assert until is not None
        a_failed_run(engine, connection, error="ValueError")
        send(olga, "/dead-letters/discard", until=until[1])
        assert statuses(engine) == ["discarded", "open"]

    def test_a_viewer_sees_no_action_and_may_not_act(self, ana: ConsoleBrowser, engine: Engine) -> None:
        (first,) = messages(engine, 1)
        assert "Discard" not in ana.get("/dead-letters").text
        for action in ("retry", "discard"):
            assert send(ana, f"/dead-letters/{action}", dead_letter=str(first)).status_code == 403
        assert statuses(engine) == ["open"]
        assert actions(engine) == []

    def test_a_malformed_form_changes_nothing(self, olga: ConsoleBrowser, engine: Engine) -> None:
        messages(engine, 1)
        for form in ({"dead_letter": "x"}, {"until": "yesterday"}, {"until": "2026-01-01"}, {"connection": "x"}):
            assert send(olga, "/dead-letters/discard", **form).status_code == 404
        assert statuses(engine) == ["open"]


class TestRetry:
    def test_a_failed_run_gets_a_new_run(self, olga: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        dead_letter_id = a_failed_run(engine, connection)
        send(olga, "/dead-letters/retry", dead_letter=str(dead_letter_id), note="fixed")
        running = row(engine, "SELECT id FROM booksync.sync_runs WHERE status = 'running'")
        assert letter(engine, dead_letter_id)["retry_run_id"] == running["id"]
        assert "being retried" in olga.get(f"/dead-letters/{dead_letter_id}").text
        assert [each[1:5] for each in actions(engine)] == [
            ("retry dead letters", "done", f"dead letter {dead_letter_id}", "fixed")
        ]

    def test_a_message_is_sent_once_however_often_the_button_is_pressed(
        self, olga: ConsoleBrowser, engine: Engine, basics: Basics
    ) -> None:
        (first,) = messages(engine, 1)
        for _ in range(3):
            send(olga, "/dead-letters/retry", dead_letter=str(first))
        assert basics.redis.llen("dramatiq:interactive") == 1
        assert "sent again a moment ago" in olga.get(f"/dead-letters/{first}").text

    def test_a_group_leaves_out_what_is_being_retried(
        self, olga: ConsoleBrowser, engine: Engine, basics: Basics
    ) -> None:
        first, *_ = messages(engine, 3)
        group = letter(engine, first)["fingerprint"]
        send(olga, "/dead-letters/retry", dead_letter=str(first))
        response = send(olga, "/dead-letters/retry", group=group)
        assert response.headers["location"] == f"../dead-letters?group={group}"
        assert basics.redis.llen("dramatiq:interactive") == 3
        assert actions(engine)[-1][-1] == "2 of 2 retried; each closes when its work is done."

    def test_a_refusal_is_shown(self, olga: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        dead_letter_id = a_failed_run(engine, connection)
        change(engine, "UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = 'x'")
        send(olga, "/dead-letters/retry", dead_letter=str(dead_letter_id))
        assert "Zoho refuses the connection" in olga.get("/dead-letters").text
        assert rows(engine, "SELECT FROM booksync.sync_runs WHERE status = 'running'") == []

    def test_without_redis_nothing_is_retried_and_the_page_says_so(
        self, olga: ConsoleBrowser, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_client: object) -> None:
            raise retry_service.NotSentError

        messages(engine, 2)
        monkeypatch.setattr(retry_service, "require_redis", refuse)
        send(olga, "/dead-letters/retry")
        assert "Redis refuses the message" in olga.get("/dead-letters").text
        assert [each[2] for each in actions(engine)] == ["refused"]


class TestInTheBackground:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(long_actions, "PATIENCE_SECONDS", 0)

    @pytest.fixture
    def held(self, olga: ConsoleBrowser, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Holds each retry until the event is set. It ends before olga's web process, which waits for the retries."""
        assert olga.is_signed_in()
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
        self, olga: ConsoleBrowser, engine: Engine, held: threading.Event
    ) -> None:
        messages(engine, 4)
        address = send(olga, "/dead-letters/retry").headers["location"].removeprefix("..")
        assert re.fullmatch(r"/activity/[0-9a-f-]{36}", address)
        shown = shown_with(olga, address, "0 of 4 done")
        assert '<progress id="progress" max="4" value="0">' in shown
        assert '<noscript><meta http-equiv="refresh"' in shown
        held.set()
        done = shown_with(olga, address, "4 of 4 retried")
        assert "4 of 4 done" in done
        assert "<noscript>" not in done

    def test_the_end_of_the_process_interrupts_it_between_two_dead_letters(
        self, olga: ConsoleBrowser, engine: Engine, basics: Basics, held: threading.Event
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

    def test_an_action_whose_process_was_killed_is_interrupted(self, ana: ConsoleBrowser, engine: Engine) -> None:
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
    def test_too_many_at_once_are_refused(self, olga: ConsoleBrowser, engine: Engine) -> None:
        for each in messages(engine, long_actions.MOST):
            assert "/activity/" in send(olga, "/dead-letters/retry", dead_letter=str(each)).headers["location"]
        send(olga, "/dead-letters/discard")
        assert "Several long actions are in progress" in olga.get("/dead-letters").text
        assert set(statuses(engine)) == {"open"}
        assert actions(engine)[-1][2] == "refused"
