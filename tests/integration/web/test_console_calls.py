"""The console's pages of planned calls: the calendar, the calls of a day, and the queue of due reminders."""

import datetime as dt
import re

import psycopg
import pytest

from db import planned_calls
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import tell_contact, tell_invoices
from tests.integration.web.calling import (
    HOSTILE_NAMES,
    a_connection_with,
    are_not_found,
    sent_statements,
    stays_text,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser
from workers.boot.basics import Basics
from workers.services import call_queue

PATH = "/calls"

#: Ten in the morning of a day, counted from today.
_PLAN = """
    INSERT INTO reminders (user_id, invoice_id, customer_id, step, phone, day, scheduled_at, closes_at)
    SELECT user_id, id, customer_id, %(step)s, %(phone)s, day, day + time '10:00', day + time '18:00'
      FROM invoices_cache, LATERAL (SELECT (now() AT TIME ZONE 'Europe/London')::date + %(days)s AS day) AS planned
     WHERE zoho_invoice_id = %(invoice_id)s
"""


_FACET = r'calls/queue(?:\?(?:connection=[^"&]+)?(?:&amp;)?(?:reason=([a-z_]+))?)?"[^>]*>((?:all|[a-z ]+) [0-9+]+)</a>'


def plan(
    database: psycopg.Connection, days: int, *, invoice_id: str = "8001", phone: str = A_LONDON_PHONE, step: int = 0
) -> None:
    """Plan a reminder of an invoice that many days from today."""
    database.execute(_PLAN, {"days": days, "invoice_id": invoice_id, "phone": phone, "step": step})


def in_days(database: psycopg.Connection, days: int) -> dt.date:
    found = database.execute("SELECT (now() AT TIME ZONE 'Europe/London')::date + %s", [days]).fetchone()
    assert found is not None
    day: dt.date = found[0]
    return day


@pytest.fixture
def planned(basics: Basics, database: psycopg.Connection) -> str:
    """The id of a connection with two invoices of one customer, of which nothing is planned."""
    connection = a_connection_with(
        basics.engine,
        a_contact(mobile=A_LONDON_PHONE),
        an_invoice(),
        an_invoice("8002", number="INV-8002", balance="30.50"),
    )
    database.execute("DELETE FROM reminders")
    return str(connection.connection_id)


def calls_of(page: str) -> dict[str, str]:
    """Day → the number of its calls, as the calendar links them."""
    return dict(re.findall(r'calls/days/([0-9-]+)[^"]*"><b>([^<]+)</b>', page))


def facets_of(page: str) -> dict[str, str]:
    """Reason in the address → the words of its link, of the queue by reason."""
    return dict(re.findall(_FACET, page.partition('class="facets"')[2]))


class TestTheCalendar:
    def test_an_empty_installation_says_how_to_begin(self, ana: ConsoleBrowser) -> None:
        page = ana.get(PATH).text
        assert "No connection exists yet. Next: <code>booksync connect</code>" in page
        assert "<title>Calls</title>" in page

    @pytest.mark.usefixtures("planned")
    def test_a_number_counts_once_a_day(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        plan(database, 1)
        plan(database, 1, invoice_id="8002")
        plan(database, 1, invoice_id="8002", phone=A_BRITISH_MOBILE, step=3)
        plan(database, 29, step=3)
        plan(database, 30, step=7)  # after the last day
        plan(database, -1, step=14)
        page = ana.get(PATH).text
        assert calls_of(page) == {str(in_days(database, 1)): "2", str(in_days(database, 29)): "1"}

    @pytest.mark.usefixtures("planned")
    def test_tomorrow_shows_each_customer_with_time_and_debt(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        plan(database, 1)
        plan(database, 1, invoice_id="8002")
        plan(database, 2, step=3, phone=A_BRITISH_MOBILE)
        page = texts_of(ana.get(PATH).text)
        tomorrow = in_days(database, 1)
        for shown in (
            f"Tomorrow, {tomorrow:%a %d %b %Y}",
            "Analytical Engines",
            A_LONDON_PHONE,
            f"{tomorrow:%a %Y-%m-%d} 10:00 Europe/London",
            "150.50 GBP",
        ):
            assert shown in page
        assert A_BRITISH_MOBILE not in page

    def test_without_calls_the_page_says_so(self, ana: ConsoleBrowser, planned: str) -> None:
        page = ana.get(f"{PATH}?connection={planned}").text
        assert "No call is planned for tomorrow." in page
        assert "No call is planned. Why an invoice is not reminded" in page

    def test_reminders_of_an_older_application_are_not_counted(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str
    ) -> None:
        plan(database, 1)
        database.execute("UPDATE reminders SET closes_at = NULL")
        assert calls_of(ana.get(f"{PATH}?connection={planned}").text) == {}

    def test_many_calls_of_a_day_are_not_counted_to_the_end(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(planned_calls, "MOST_COUNTED", 2)
        monkeypatch.setattr("workers.web.console.calls.planned.MOST_COUNTED", 2)
        for step in range(3):
            plan(database, 1, step=step, phone=f"+4420703130{step:02}")
        assert calls_of(ana.get(f"{PATH}?connection={planned}").text) == {str(in_days(database, 1)): "2+"}

    def test_a_closed_connection_is_named(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str
    ) -> None:
        assert "closed for handovers" not in ana.get(PATH).text
        database.execute("UPDATE booksync.zoho_connections SET handover = 'closed'")
        assert "1 of 1 connections is closed for handovers" in ana.get(PATH).text
        assert "The connection is closed for handovers" in ana.get(f"{PATH}?connection={planned}").text

    @pytest.mark.parametrize("shares_the_user", [True, False])
    def test_a_filter_leaves_the_calls_of_one_connection(
        self, basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection, planned: str, shares_the_user: bool
    ) -> None:
        found = database.execute("SELECT user_id FROM booksync.zoho_connections").fetchone()
        assert found is not None
        other = a_connection_with(
            basics.engine,
            a_contact("5002", name="Other Ltd", mobile=A_BRITISH_MOBILE),
            an_invoice("8003", customer_id="5002"),
            user_id=found[0] if shares_the_user else None,
        )
        database.execute("DELETE FROM reminders")
        plan(database, 1)
        plan(database, 1, invoice_id="8003", phone=A_BRITISH_MOBILE)
        day = str(in_days(database, 1))
        assert calls_of(ana.get(PATH).text) == {day: "2"}
        for path in (PATH, f"{PATH}/days/{day}"):
            page = ana.get(f"{path}?connection={other.connection_id}").text
            assert A_BRITISH_MOBILE in page
            assert A_LONDON_PHONE not in page
        assert calls_of(ana.get(f"{PATH}?connection={planned}").text) == {day: "1"}

    def test_a_page_sends_six_statements_at_most(
        self, ana: ConsoleBrowser, database: psycopg.Connection, planned: str
    ) -> None:
        plan(database, 0)
        for path in (PATH, f"{PATH}/days/2026-04-01", f"{PATH}/queue", f"{PATH}/queue?reason=claimable"):
            with sent_statements() as sent:
                assert ana.get(f"{path}{'&' if '?' in path else '?'}connection={planned}").status_code == 200
            assert len(sent) <= 6


class TestADay:
    @pytest.mark.usefixtures("planned")
    def test_a_long_day_has_pages(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        numbers = [f"+4420703130{n:02}" for n in range(60)]
        for step, number in enumerate(numbers):
            plan(database, 3, step=step, phone=number)
        page = ana.get(f"{PATH}/days/{in_days(database, 3)}").text
        (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
        assert "44207" not in more
        rest = ana.get("/" + more.removeprefix("../../../")).text
        found = [re.findall(r"\+44207[0-9]+", each) for each in (page, rest)]
        assert [len(each) for each in found] == [50, 10]
        assert found[0] + found[1] == numbers

    def test_a_day_without_calls_leads_to_the_calendar(self, ana: ConsoleBrowser) -> None:
        page = ana.get(f"{PATH}/days/2026-04-01").text
        assert "<title>Calls on Wed 01 Apr 2026</title>" in page
        assert "No call is planned for this day." in page

    def test_a_malformed_day_is_a_page_that_is_not_found(self, ana: ConsoleBrowser) -> None:
        for day in ("x", "2026-02-30", "20260401", "2026-04-01x", "%00"):
            assert ana.get(f"{PATH}/days/{day}").status_code == 404

    def test_a_malformed_address_is_a_page_that_is_not_found(
        self, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        are_not_found(ana, subtests, PATH)
        are_not_found(ana, subtests, f"{PATH}/days/2026-04-01", "after=1")
        are_not_found(ana, subtests, f"{PATH}/queue", "after=1", "reason=x", "reason=None")


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
