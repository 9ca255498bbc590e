"""Decisions on the console's page of doubtful numbers: an accountant confirms a number, or has it never called."""

import psycopg
import pytest

from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.web.calling import (
    FAX,
    NATIONAL,
    REFUSED,
    UNKNOWN_ID,
    a_connection_with,
    actions,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics

PATH = "/calls/numbers"


def phone(database: psycopg.Connection, contact_id: str = "5001") -> tuple[str, str | None, bool]:
    found = database.execute(
        "SELECT primary_phone, phone_problem, phone_verdict @> '{\"confirmed\": true}'"
        " FROM booksync.customers_cache WHERE zoho_customer_id = %s",
        [contact_id],
    ).fetchone()
    assert found is not None
    return found


class TestConfirming:
    def test_an_accountant_confirms_a_number(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=FAX), an_invoice())
        response = accountant.post(
            f"{PATH}/confirm",
            csrf_token=token_in(accountant.get(PATH)),
            connection_id=str(connection.connection_id),
            customer_id="5001",
            phone_text=FAX,
            read_as=A_LONDON_PHONE,
            note="Ada, by phone",
        )
        assert (response.status_code, response.headers["location"]) == (303, "../../calls/numbers")
        assert phone(database) == (A_LONDON_PHONE, None, True)
        page = texts_of(accountant.get(PATH).text)
        assert (
            f"Analytical Engines: {A_LONDON_PHONE} is confirmed. 1 open invoice has a scheduled reminder now." in page
        )
        assert "No number needs a check here." in page
        assert actions(database) == [("the-accountant", "confirm number", "done", "1 number", "Ada, by phone", "")]

    def test_a_text_without_a_number_gets_the_one_that_the_accountant_writes(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        accountant.post(
            f"{PATH}/confirm",
            csrf_token=token_in(accountant.get(PATH)),
            connection_id=str(connection.connection_id),
            customer_id="5001",
            phone_text=REFUSED,
            number=A_BRITISH_MOBILE,
            note="Bob",
        )
        assert phone(database) == (A_BRITISH_MOBILE, None, True)

    def test_a_refused_confirmation_says_why_and_its_record_has_no_personal_data(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection, subtests: pytest.Subtests
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=FAX))
        seen = {
            "connection_id": str(connection.connection_id),
            "customer_id": "5001",
            "phone_text": FAX,
            "read_as": A_LONDON_PHONE,
        }
        token = token_in(accountant.get(PATH))
        for form, why in [
            ({}, "A note is missing"),
            ({"note": "Bob", "phone_text": "another text"}, f'Its text is "{FAX}" now'),
            ({"note": "Bob", "read_as": A_BRITISH_MOBILE}, f"Its number is read as {A_LONDON_PHONE} now"),
            ({"note": "Bob", "number": "12"}, "12 is not a valid number"),
            ({"note": "Bob", "customer_id": "5999"}, "This connection has no such customer"),
        ]:
            with subtests.test(why):
                accountant.post(f"{PATH}/confirm", None, csrf_token=token, **(seen | form))
                assert why in texts_of(accountant.get(PATH).text)
        assert phone(database) == (A_LONDON_PHONE, None, False)
        assert {(state, reason) for _, _, state, _, _, reason in actions(database)} == {
            ("refused", "The number cannot be confirmed.")
        }

    def test_the_list_goes_on_with_the_same_connection(self, basics: Basics, accountant: ConsoleBrowser) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=NATIONAL))
        chosen = str(connection.connection_id)
        response = accountant.post(
            f"{PATH}/refuse",
            csrf_token=token_in(accountant.get(f"{PATH}?list=assumed")),
            connection_id=chosen,
            chosen=chosen,
            list="assumed",
            number=A_BRITISH_MOBILE,
        )
        assert response.headers["location"] == f"../../calls/numbers?list=assumed&connection={chosen}"


class TestRefusing:
    def test_a_number_that_is_not_callable_goes_on_the_do_not_call_list(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=FAX))
        accountant.post(
            f"{PATH}/refuse",
            csrf_token=token_in(accountant.get(PATH)),
            connection_id=str(connection.connection_id),
            number=A_LONDON_PHONE,
            note="a fax",
        )
        listed = database.execute("SELECT user_id, phone, note FROM booksync.do_not_call").fetchall()
        assert listed == [(connection.user_id, A_LONDON_PHONE, "a fax")]
        page = accountant.get(PATH).text
        assert f"{A_LONDON_PHONE} is on the do-not-call list" in page
        assert "No number needs a check here." in page
        assert [row[1:4] for row in actions(database)] == [("refuse number", "done", "1 number")]

    def test_a_viewer_is_refused(self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        connection = a_connection(basics.engine)
        token = token_in(ana.get(PATH))
        for action in ("confirm", "refuse"):
            response = ana.post(
                f"{PATH}/{action}",
                csrf_token=token,
                connection_id=str(connection.connection_id),
                customer_id="5001",
                number=A_LONDON_PHONE,
                note="Bob",
            )
            assert response.status_code == 403
            assert "needs the role accountant" in response.text
        assert database.execute("SELECT count(*) FROM booksync.do_not_call").fetchone() == (0,)
        assert actions(database) == []

    def test_an_unknown_connection_is_refused(self, accountant: ConsoleBrowser, database: psycopg.Connection) -> None:
        token = token_in(accountant.get(PATH))
        for action in ("confirm", "refuse"):
            for connection_id in ("", "x", UNKNOWN_ID):
                form = {"connection_id": connection_id, "number": A_LONDON_PHONE, "note": "Bob"}
                assert accountant.post(f"{PATH}/{action}", None, csrf_token=token, **form).status_code == 303
        assert {row[2] for row in actions(database)} == {"refused"}
