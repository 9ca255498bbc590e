"""The console's pages of planned calls: the calendar, and the calls of a day."""

import re

import psycopg
import pytest

from db import planned_calls
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.web.calling import (
    a_connection_with,
    are_not_found,
    in_days,
    plan,
    sent_statements,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser
from workers.boot.basics import Basics

PATH = "/calls"


def calls_of(page: str) -> dict[str, str]:
    """Day → the number of its calls, as the calendar links them."""
    return dict(re.findall(r'calls/days/([0-9-]+)[^"]*"><b>([^<]+)</b>', page))


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
