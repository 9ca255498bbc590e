"""The console's list of confirmed numbers: an accountant withdraws a confirmation, and takes a number off a list."""

from collections.abc import Callable

import psycopg
import pytest

from db import clock
from db.connections import Connection
from domain.confirmations import Wish
from domain.phones import PhoneFallback
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.web.calling import (
    HOSTILE_NAMES,
    REFUSED,
    UNKNOWN_ID,
    a_connection_with,
    actions,
    are_not_found,
    sent_statements,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services import do_not_call
from workers.services.confirm_phones import confirm

PATH = "/calls/numbers/confirmed"

Confirm = Callable[..., None]


def confirmed(basics: Basics, connection: Connection, *customer_ids: str, note: str = "Ada, by phone") -> None:
    """Confirm the numbers of these customers, one after the other."""
    for customer_id in customer_ids:
        with basics.engine.begin() as db:
            wish = Wish(customer_id, note=note, answer=A_LONDON_PHONE)
            confirm(db, connection, [wish], fallback=PhoneFallback.NONE, now=clock.present(db))


def reminders(database: psycopg.Connection) -> list[tuple[str, str]]:
    return database.execute("SELECT DISTINCT status, phone FROM reminders ORDER BY 1, 2").fetchall()


def customer_id(database: psycopg.Connection) -> str:
    found = database.execute("SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5001'").fetchone()
    assert found is not None
    return str(found[0])


class TestTheList:
    def test_without_a_confirmation_it_says_so(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        assert "No number is confirmed here." in ana.get(PATH).text

    def test_a_confirmation_is_listed_with_its_text_its_number_and_its_note(
        self, basics: Basics, ana: ConsoleBrowser
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        confirmed(basics, connection, "5001")
        page = texts_of(ana.get(PATH).text)
        for shown in ("Analytical Engines", REFUSED, A_LONDON_PHONE, "Ada, by phone"):
            assert shown in page
        assert "Withdraw" not in page

    @pytest.mark.slow
    def test_the_newest_confirmation_comes_first_and_a_long_list_has_pages(
        self, basics: Basics, ana: ConsoleBrowser
    ) -> None:
        ids = [str(5000 + n) for n in range(55)]
        connection = a_connection_with(
            basics.engine, *(a_contact(id_, name=f"No {id_}.", mobile=REFUSED) for id_ in ids)
        )
        confirmed(basics, connection, *ids)
        page = ana.get(f"{PATH}?connection={connection.connection_id}").text
        assert page.index("No 5054.") < page.index("No 5005.")
        assert "No 5004." not in page
        (more,) = (line.split('"')[1] for line in page.splitlines() if "More rows" in line)
        rest = ana.get("/" + more.replace("../", "").replace("&amp;", "&")).text
        assert "No 5004." in rest
        assert "No 5005." not in rest
        assert "More rows" not in rest

    def test_a_malformed_address_is_a_page_that_is_not_found(
        self, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        are_not_found(ana, subtests, PATH, "after=1", "after=%00")

    def test_hostile_notes_stay_texts(self, basics: Basics, ana: ConsoleBrowser) -> None:
        connection = a_connection_with(basics.engine, a_contact(name=HOSTILE_NAMES[0], mobile=HOSTILE_NAMES[1]))
        confirmed(basics, connection, "5001", note=HOSTILE_NAMES[0])
        page = ana.get(PATH).text
        assert "<script>alert" not in page
        assert "<b onmouseover" not in page

    def test_a_page_sends_six_statements_at_most(self, basics: Basics, ana: ConsoleBrowser) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        confirmed(basics, connection, "5001")
        with sent_statements() as sent:
            assert ana.get(PATH).status_code == 200
        assert len(sent) <= 6


class TestWithdrawing:
    def test_a_withdrawn_confirmation_cancels_the_reminders_at_once(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED), an_invoice())
        confirmed(basics, connection, "5001")
        assert reminders(database) == [("scheduled", A_LONDON_PHONE)]
        response = accountant.post(
            "/calls/numbers/withdraw",
            csrf_token=token_in(accountant.get(PATH)),
            connection_id=str(connection.connection_id),
            customer_id="5001",
            note="Bob has left",
        )
        assert (response.status_code, response.headers["location"]) == (303, "../../calls/numbers/confirmed")
        assert reminders(database) == [("cancelled", A_LONDON_PHONE)]
        page = texts_of(accountant.get(PATH).text)
        assert "the confirmation is withdrawn" in page
        assert "Open invoices with a scheduled reminder: 0 (before: 1)." in page
        assert "No number is confirmed here." in page
        assert actions(database) == [
            ("the-accountant", "forget confirmation", "done", "1 customer", "Bob has left", "")
        ]

    def test_it_leads_back_to_the_page_of_the_customer(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        confirmed(basics, connection, "5001")
        path = f"customers/{customer_id(database)}"
        page = accountant.get(f"/{path}")
        assert "Withdraw the confirmation" in page.text
        response = accountant.post(
            "/calls/numbers/withdraw",
            csrf_token=token_in(page),
            connection_id=str(connection.connection_id),
            customer_id="5001",
            shown_on=customer_id(database),
        )
        assert response.headers["location"] == f"../../{path}"
        assert "Withdraw the confirmation" not in accountant.get(f"/{path}").text

    def test_what_is_not_confirmed_or_unknown_is_refused(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=REFUSED))
        token = token_in(accountant.get(PATH))
        for connection_id, customer in [
            (str(connection.connection_id), "5001"),
            (str(connection.connection_id), "5999"),
            (UNKNOWN_ID, "5001"),
            ("x", ""),
        ]:
            form = {"connection_id": connection_id, "customer_id": customer}
            assert accountant.post("/calls/numbers/withdraw", None, csrf_token=token, **form).status_code == 303
        assert {state for _, _, state, *_ in actions(database)} == {"refused"}

    def test_a_viewer_is_refused(self, ana: ConsoleBrowser) -> None:
        response = ana.post("/calls/numbers/withdraw", csrf_token=token_in(ana.get(PATH)), customer_id="5001")
        assert response.status_code == 403


class TestDoNotCall:
    def test_a_number_is_taken_off_the_list_from_the_page_of_its_customer(
        self, basics: Basics, accountant: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=A_BRITISH_MOBILE), an_invoice())
        with basics.engine.begin() as db:
            do_not_call.add(db, connection.user_id, A_BRITISH_MOBILE, "asked us")
        assert reminders(database) == [("cancelled", A_BRITISH_MOBILE)]
        path = f"customers/{customer_id(database)}"
        page = accountant.get(f"/{path}")
        assert "Let this number be called" in page.text
        response = accountant.post(
            "/calls/do-not-call/remove",
            csrf_token=token_in(page),
            number=A_BRITISH_MOBILE,
            user_id=str(connection.user_id),
            shown_on=customer_id(database),
        )
        assert response.headers["location"] == f"../../{path}"
        assert "Let this number be called" not in accountant.get(f"/{path}").text
        assert ("scheduled", A_BRITISH_MOBILE) in reminders(database)

    def test_a_viewer_sees_no_button_on_the_page_of_the_customer(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        connection = a_connection_with(basics.engine, a_contact(mobile=A_BRITISH_MOBILE))
        with basics.engine.begin() as db:
            do_not_call.add(db, connection.user_id, A_BRITISH_MOBILE, "asked us")
        page = ana.get(f"/customers/{customer_id(database)}").text
        assert "asked us" in page
        assert "Let this number be called" not in page
