"""The console's dead letters: groups, one group, one dead letter, and an operator's decisions."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.dead_letter_builders import a_death, a_run, end, kept, letter
from tests.integration.db.look import change, row, rows
from tests.integration.statements import at_most
from tests.integration.web.console_browser import ConsoleBrowser
from tests.integration.web.dead_letter_pages import actions, messages, send, statuses
from workers.boot.basics import Basics
from workers.services import retry as retry_service
from workers.web.console import dead_letters as page


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


def a_failed_run(engine: Engine, connection: Connection, **named: str) -> int:
    """A dead letter of a run that has ended."""
    run_id = a_run(engine, connection)
    dead_letter_id = kept(engine, a_death(connection, run_id, **named))
    end(engine, run_id, "failed")
    return dead_letter_id


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
        assert re.search(r'<td class="number"[^>]*>3</td><td[^>]*>resync_contact</td>', shown)

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
            found += re.findall(r"<td[^>]*>(Error\d)", shown)
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

    def test_a_page_makes_few_queries(self, ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        dead_letter_id = a_failed_run(engine, connection)
        for path in ("/dead-letters", "/dead-letters?group=x", f"/dead-letters/{dead_letter_id}"):
            with at_most(6):
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
