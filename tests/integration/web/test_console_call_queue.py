"""The console's queue of due reminders: what holds each one back, counted and filtered by reason."""

import re

import psycopg
import pytest

from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import tell_contact, tell_invoices
from tests.integration.web.calling import HOSTILE_NAMES, in_days, plan, stays_text, texts_of
from tests.integration.web.console_browser import ConsoleBrowser
from workers.boot.basics import Basics
from workers.services import call_queue

PATH = "/calls"

_FACET = r'calls/queue(?:\?(?:connection=[^"&]+)?(?:&amp;)?(?:reason=([a-z_]+))?)?"[^>]*>((?:all|[a-z ]+) [0-9+]+)</a>'


def facets_of(page: str) -> dict[str, str]:
    """Reason in the address → the words of its link, of the queue by reason."""
    return dict(re.findall(_FACET, page.partition('class="facets"')[2]))


class TestTheQueue:
    def test_an_empty_queue_leads_to_the_calendar(self, ana: ConsoleBrowser) -> None:
        assert "No reminder is due." in ana.get(f"{PATH}/queue").text

    @pytest.mark.usefixtures("planned")
    def test_a_due_reminder_has_its_times_and_what_holds_it_back(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        plan(database, -1)
        page = texts_of(ana.get(f"{PATH}/queue").text)
        yesterday = in_days(database, -1)
        for shown in (
            "INV-8001",
            "Analytical Engines",
            A_LONDON_PHONE,
            "120.00 GBP",
            f"{yesterday:%a %Y-%m-%d} 10:00 Europe/London",
            f"{yesterday:%a %Y-%m-%d} 18:00 Europe/London",
            "Held back",
        ):
            assert shown in page

    def test_the_reason_is_the_first_one_that_applies(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str
    ) -> None:
        plan(database, -1)
        database.execute("INSERT INTO booksync.do_not_call (user_id, phone) SELECT id, %s FROM users", [A_LONDON_PHONE])
        database.execute("UPDATE booksync.zoho_connections SET handover = 'closed'")
        page = ana.get(f"{PATH}/queue?connection={planned}").text
        assert "Held back (do not call):" in page
        database.execute("DELETE FROM booksync.do_not_call")
        assert "The connection is closed for handovers." in ana.get(f"{PATH}/queue").text

    @pytest.mark.usefixtures("planned")
    def test_a_reminder_that_comes_later_is_not_due(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        plan(database, 1)
        assert A_LONDON_PHONE not in ana.get(f"{PATH}/queue").text

    @pytest.mark.usefixtures("planned")
    def test_a_long_queue_has_pages(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        numbers = [f"+4420703130{n:02}" for n in range(60)]
        for step, number in enumerate(numbers):
            plan(database, -1, step=step, phone=number)
        page = ana.get(f"{PATH}/queue").text
        (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
        rest = ana.get("/" + more.removeprefix("../../")).text
        found = [re.findall(r"\+44207[0-9]+", each) for each in (page, rest)]
        assert [len(each) for each in found] == [50, 10]
        assert sorted(found[0] + found[1]) == numbers

    def test_the_reasons_are_counted_and_lead_to_their_reminders(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str
    ) -> None:
        plan(database, -1)
        plan(database, -1, invoice_id="8002", step=3)
        plan(database, -1, phone=A_BRITISH_MOBILE, step=7)
        database.execute("INSERT INTO booksync.do_not_call (user_id, phone) SELECT id, %s FROM users", [A_LONDON_PHONE])
        page = ana.get(f"{PATH}/queue?connection={planned}").text
        assert facets_of(page) == {"": "all 3", "do_not_call": "do not call 2", "phone_changed": "phone changed 1"}
        of_reason = ana.get(f"{PATH}/queue?connection={planned}&reason=phone_changed").text
        assert facets_of(of_reason) == facets_of(page)
        assert "<h2>Held back: phone changed</h2>" in of_reason
        assert (A_BRITISH_MOBILE in of_reason, A_LONDON_PHONE in of_reason) == (True, False)
        assert "No reminder of the queue can be claimed now." in ana.get(f"{PATH}/queue?reason=claimable").text

    @pytest.mark.usefixtures("planned")
    def test_a_filtered_queue_goes_on_after_what_was_checked(
        self, ana: ConsoleBrowser, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call_queue, "MOST_CHECKED", 2)
        for step in range(3):
            plan(database, -1, step=step, phone=f"+44207031300{step}")
        database.execute(
            "INSERT INTO booksync.do_not_call (user_id, phone) SELECT user_id, phone FROM reminders WHERE step = 2"
        )
        database.execute("UPDATE booksync.customers_cache SET primary_phone = '+442070313002'")
        page = ana.get(f"{PATH}/queue?reason=do_not_call").text
        assert "None of the next 2 reminders has this reason; the queue goes on." in page
        assert "all 2+" in page
        (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
        rest = ana.get("/" + more.removeprefix("../../").replace("&amp;", "&")).text
        assert "+442070313002" in rest
        assert 'rel="next"' not in rest

    @pytest.mark.usefixtures("planned")
    def test_many_reminders_of_a_reason_have_pages(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        for step in range(60):
            plan(database, -1, step=step, phone=f"+4420703130{step:02}")
        page = ana.get(f"{PATH}/queue?reason=phone_changed").text
        (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
        rest = ana.get("/" + more.removeprefix("../../").replace("&amp;", "&")).text
        found = [set(re.findall(r"\+44207031[0-9]+", each)) for each in (page, rest)]
        assert not found[0] & found[1]
        assert len(found[0] | found[1]) == 59  # the customer's own number is not changed

    @pytest.mark.slow
    def test_hostile_names_stay_texts(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection, subtests: pytest.Subtests
    ) -> None:
        connection = a_connection(basics.engine)
        tell_contact(basics.engine, connection, a_contact())
        for place, name in enumerate(HOSTILE_NAMES):
            with subtests.test(name[:20]):
                contact, invoice = f"60{place}", f"90{place}"
                tell_contact(basics.engine, connection, a_contact(contact, name=name))
                tell_invoices(basics.engine, connection, an_invoice(invoice, customer_id=contact, number=name))
                plan(database, 0, invoice_id=invoice, phone=f"+44207031300{place}")
                plan(database, 1, invoice_id=invoice, phone=f"+44207031300{place}", step=3)
                database.execute("UPDATE reminders SET scheduled_at = now() WHERE step = 0")
                stays_text(ana, PATH, name)
                stays_text(ana, f"{PATH}/queue", name)
