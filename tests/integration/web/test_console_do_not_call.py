"""The console's do-not-call list: an accountant adds numbers and removes them."""

import re

import psycopg
import pytest

from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE
from tests.integration.db.connection_builders import a_connection
from tests.integration.web.calling import (
    HOSTILE_NAMES,
    UNKNOWN_ID,
    actions,
    are_not_found,
    sent_statements,
    stays_text,
)
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics

PATH = "/calls/do-not-call"


def put(database: psycopg.Connection, user_id: object, *numbers: str, note: str | None = None) -> None:
    for number in numbers:
        database.execute("INSERT INTO booksync.do_not_call VALUES (%s, %s, %s)", [user_id, number, note])


def on_the_list(database: psycopg.Connection) -> set[str]:
    return {number for (number,) in database.execute("SELECT phone FROM booksync.do_not_call")}


class TestTheList:
    def test_an_empty_list_says_how_numbers_come_to_it(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection(basics.engine)
        assert "The list is empty. A number comes here when" in ana.get(PATH).text

    def test_numbers_are_listed_with_their_notes_and_a_viewer_sees_no_action(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection(basics.engine)
        put(database, connection.user_id, A_LONDON_PHONE, note="asked for it")
        page = ana.get(PATH).text
        assert A_LONDON_PHONE in page
        assert "asked for it" in page
        assert "Remove" not in page
        assert '<form class="fields"' not in page

    def test_a_filter_leaves_the_list_of_a_connections_user(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        first, second = a_connection(basics.engine), a_connection(basics.engine)
        put(database, first.user_id, A_LONDON_PHONE)
        put(database, second.user_id, A_BRITISH_MOBILE)
        page = ana.get(f"{PATH}?connection={second.connection_id}").text
        assert A_BRITISH_MOBILE in page
        assert A_LONDON_PHONE not in page

    def test_a_long_list_has_pages_without_a_number_in_their_addresses(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection(basics.engine)
        numbers = [f"+4420703130{n:02}" for n in range(60)]
        with database.transaction():  # All at the same moment.
            put(database, connection.user_id, *numbers)
        page = ana.get(PATH).text
        (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
        assert "44207" not in more
        rest = ana.get("/" + more.removeprefix("../")).text
        found = [re.findall(r'"row">([+0-9]+)', each) for each in (page, rest)]
        assert [len(each) for each in found] == [50, 10]
        assert sorted(found[0] + found[1]) == numbers

    def test_a_malformed_address_is_a_page_that_is_not_found(
        self, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        are_not_found(ana, subtests, PATH, "after=1", "after=%C3%A4")

    def test_hostile_notes_stay_texts(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection, subtests: pytest.Subtests
    ) -> None:
        user_id = a_connection(basics.engine).user_id
        for place, note in enumerate(HOSTILE_NAMES):
            with subtests.test(note[:20]):
                put(database, user_id, f"+44207031300{place}", note=note)
                stays_text(ana, PATH, note)

    def test_a_page_sends_six_statements_at_most(self, ana: ConsoleBrowser) -> None:
        with sent_statements() as sent:
            assert ana.get(PATH).status_code == 200
        assert len(sent) <= 6


class TestChanging:
    def test_an_accountant_adds_a_number(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection(basics.engine)
        token = token_in(accountant.get(PATH))
        form = {"user_id": str(connection.user_id), "number": "+44 20 7031 3000", "note": "asked for it"}
        response = accountant.post(f"{PATH}/add", None, csrf_token=token, **form)
        assert (response.status_code, response.headers["location"]) == (303, "../../calls/do-not-call")
        assert f"{A_LONDON_PHONE} is on the list." in accountant.get(PATH).text
        accountant.post(f"{PATH}/add", None, csrf_token=token, **form)
        assert f"{A_LONDON_PHONE} was on the list already." in accountant.get(PATH).text
        assert on_the_list(database) == {A_LONDON_PHONE}
        assert actions(database)[0] == (
            "the-accountant", "add do-not-call number", "done", "1 number", "asked for it", "",
        )  # fmt: skip

    def test_an_accountant_removes_a_number(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection(basics.engine)
        put(database, connection.user_id, A_LONDON_PHONE, A_BRITISH_MOBILE)
        token = token_in(accountant.get(PATH))
        form = {"user_id": str(connection.user_id), "number": A_LONDON_PHONE}
        accountant.post(f"{PATH}/remove", None, csrf_token=token, **form)
        assert f"{A_LONDON_PHONE} is off the list." in accountant.get(PATH).text
        assert on_the_list(database) == {A_BRITISH_MOBILE}
        assert [row[1:4] for row in actions(database)] == [("remove do-not-call number", "done", "1 number")]

    def test_a_number_that_cannot_be_read_is_refused_without_a_trace(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection, subtests: pytest.Subtests
    ) -> None:
        connection = a_connection(basics.engine)
        token = token_in(accountant.get(PATH))
        for number in ("", "020 7031 3000", "ask Bob", "+44 1"):
            with subtests.test(number):
                accountant.post(f"{PATH}/add", csrf_token=token, user_id=str(connection.user_id), number=number)
                assert "Write it with its country prefix." in accountant.get(PATH).text
                *_, (_, _, state, _, _, reason) = actions(database)
                assert state == "refused"
                assert not number or number not in reason

    def test_a_user_without_a_connection_is_refused(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        a_connection(basics.engine)
        token = token_in(accountant.get(PATH))
        accountant.post(f"{PATH}/add", csrf_token=token, user_id=UNKNOWN_ID, number=A_LONDON_PHONE)
        assert "No connection belongs to this user." in accountant.get(PATH).text
        assert on_the_list(database) == set()

    def test_a_viewer_is_refused(self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        connection = a_connection(basics.engine)
        put(database, connection.user_id, A_LONDON_PHONE)
        token = token_in(ana.get(PATH))
        for action, number in (("add", A_BRITISH_MOBILE), ("remove", A_LONDON_PHONE)):
            form = {"user_id": str(connection.user_id), "number": number}
            assert ana.post(f"{PATH}/{action}", None, csrf_token=token, **form).status_code == 403
        assert on_the_list(database) == {A_LONDON_PHONE}
