"""An accountant finds an invoice by its number, and its page says why its customer is or is not reminded."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.db.reminding import SWITCH_ON, asked, claim, plan_all, tell_and_plan, tell_contact, tell_invoices
from tests.integration.web.console_browser import ConsoleBrowser
from tests.integration.web.console_records import MOST_QUERIES, id_of, opened, queries_of, search


class TestTheSearch:
    @pytest.mark.parametrize("words", ["INV-8001", " inv-8001 ", "8001"])
    def test_an_invoice_is_found_by_its_number_and_opened(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection, words: str
    ) -> None:
        tell_and_plan(engine, connection)
        response = search(ana, words)
        assert (response.status_code, response.headers["location"]) == (303, f"./invoices/{id_of(engine)}")

    def test_invoices_of_two_organisations_with_one_number_are_listed(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        tell_and_plan(engine, connection)
        other = a_connection(engine)
        tell_and_plan(engine, other)
        page = search(ana, "INV-8001")
        for each in (connection, other):
            assert f">{each.organization_id}</bdi>" in page.text
        assert page.status_code == 200
        assert page.text.count(">INV-8001</bdi>") == 2
        assert "reminder planned" in page.text

    def test_nothing_found_says_so(self, ana: ConsoleBrowser) -> None:
        for words in ("INV-9", "", "' OR 1=1 --", "%"):
            assert "Nothing is found" in search(ana, words).text

    def test_the_text_is_in_no_address_and_no_title(self, ana: ConsoleBrowser) -> None:
        page = search(ana, "<script>alert(1)</script>")
        assert "<script>alert" not in page.text
        assert 'value="&lt;script&gt;alert(1)&lt;/script&gt;"' in page.text
        assert "<title>Search</title>" in page.text

    def test_a_form_of_another_site_is_refused(self, ana: ConsoleBrowser) -> None:
        assert ana.post("/invoices", search="INV-8001").status_code == 403

    def test_without_a_session_the_pages_lead_to_the_sign_in_page(self, browser: ConsoleBrowser) -> None:
        for path in ("/invoices", f"/invoices/{uuid.uuid4()}"):
            assert browser.get(path).headers["location"].endswith("sign-in")


class TestAnInvoice:
    def test_a_planned_invoice_shows_its_next_step_and_its_number(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        tell_and_plan(engine, connection)
        page = opened(ana, engine)
        for shown in (
            "The next reminder is step +0",
            "Analytical Engines",
            "120.00 GBP to pay",
            "● Used.",
            "held back",
        ):
            assert shown in page
        assert "<title>Invoice</title>" in page
        assert "Analytical" not in page.partition("<main")[0]

    def test_a_planned_reminder_that_would_not_be_handed_over_says_why(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        soon = now.date() + dt.timedelta(days=20)
        tell_contact(engine, connection, a_contact(details=SWITCH_ON))
        tell_invoices(engine, connection, asked(an_invoice(due_date=soon)))
        plan_all(engine, connection, now=now)
        assert '<p class="answer well">' in opened(ana, engine)
        change(engine, "UPDATE booksync.zoho_connections SET handover = 'closed'")
        page = opened(ana, engine)
        assert "The next reminder is step -3" in page
        assert "But the connection is closed for handovers." in page
        change(engine, "UPDATE booksync.customers_cache SET status = 'inactive'")
        page = opened(ana, engine)
        assert "The next reminder is step -3" in page
        assert "But now there is an objection: The customer is inactive in Zoho." in page
        assert '<p class="answer">' in page

    def test_an_invoice_without_a_reminder_says_why(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        tell_and_plan(engine, connection, contact=a_contact(mobile=""))
        page = opened(ana, engine)
        assert "No reminder is planned. The customer has no phone number." in page
        assert "None of its persons has a phone number." in page
        assert page.count(">not planned<") == 6

    def test_a_handover_shows_its_time_and_its_outcome(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        tell_and_plan(engine, connection)
        (claimed,) = claim(engine)
        change(
            engine,
            "SELECT booksync.report_outcome(:id, 'promised', NULL, :until, 'asks for <b>time')",
            id=claimed.handover_id,
            until=dt.date(2026, 4, 20),
        )
        page = opened(ana, engine)
        for shown in ("Handed over on", "Outcome: promised until 2026-04-20", "Note: asks for &lt;b&gt;time"):
            assert shown in page

    def test_a_waiting_invoice_has_a_page(self, ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        tell_invoices(engine, connection, an_invoice())
        response = search(ana, "INV-8001")
        page = ana.get(response.headers["location"].removeprefix("."))
        assert "Its customer is not cached yet" in page.text

    def test_the_link_leads_to_the_data_centre_of_the_organisation(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection
    ) -> None:
        tell_and_plan(engine, connection)
        assert 'href="https://books.zoho.eu/app/10234695#/invoices/8001"' in opened(ana, engine)

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202eskooB", "N" * 500])
    def test_a_hostile_name_stays_a_name(
        self, ana: ConsoleBrowser, engine: Engine, connection: Connection, name: str
    ) -> None:
        tell_and_plan(engine, connection, contact=a_contact(name=name))
        page = opened(ana, engine)
        assert "<script>alert" not in page
        assert name.replace("<", "&lt;").replace(">", "&gt;") in page

    @pytest.mark.parametrize("id_", ["8001", "x" * 300, "%00", str(uuid.UUID(int=7))])
    def test_an_address_without_an_invoice_is_a_page(self, ana: ConsoleBrowser, id_: str) -> None:
        response = ana.get(f"/invoices/{id_}")
        assert response.status_code == 404
        assert "No such invoice" in response.text

    def test_the_page_makes_few_queries(self, ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
        tell_and_plan(engine, connection)
        path = f"/invoices/{id_of(engine)}"
        # The facts of the plan are read in one pipeline, which is a round trip too.
        assert queries_of(lambda: ana.get(path)) + 1 <= MOST_QUERIES
