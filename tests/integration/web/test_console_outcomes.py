"""The console's page of the outcomes that the application that makes the calls has reported."""

import re
import uuid

import psycopg
import pytest

from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.web.calling import (
    HOSTILE_NAMES,
    UNKNOWN_ID,
    a_connection_with,
    are_not_found,
    sent_statements,
    stays_text,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser
from workers.boot.basics import Basics

PATH = "/calls/outcomes"

_REPORT = """
    WITH handover AS (
        INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at)
        SELECT user_id, id, %(phone)s, '2026-04-01', '2026-04-01 09:00+00' FROM booksync.zoho_connections
         WHERE id = %(connection_id)s RETURNING id, connection_id)
    INSERT INTO booksync.handover_outcomes
           (handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome, until, note, reported_at)
    SELECT handover.id, gen_random_uuid(), invoice.id, customer_id, '', %(outcome)s, %(until)s, %(note)s,
           timestamptz '2026-04-01 10:00+00' + %(minutes)s * interval '1 minute'
      FROM handover JOIN invoices_cache AS invoice ON invoice.connection_id = handover.connection_id
"""


def report(
    database: psycopg.Connection,
    connection_id: uuid.UUID,
    outcome: str,
    *,
    until: str | None = None,
    note: str | None = None,
    minutes: int = 0,
    phone: str = A_LONDON_PHONE,
) -> None:
    database.execute(
        _REPORT,
        {
            "connection_id": connection_id,
            "outcome": outcome,
            "until": until,
            "note": note,
            "minutes": minutes,
            "phone": phone,
        },
    )


@pytest.fixture
def connection_id(basics: Basics) -> uuid.UUID:
    """A connection with one customer, whose invoice is open."""
    return a_connection_with(basics.engine, a_contact(), an_invoice()).connection_id


def test_without_outcomes_the_page_says_how_they_come(ana: ConsoleBrowser) -> None:
    assert "The application that makes the calls reports them by <code>report_outcome</code>" in ana.get(PATH).text


def test_an_outcome_has_its_facts(ana: ConsoleBrowser, database: psycopg.Connection, connection_id: uuid.UUID) -> None:
    report(database, connection_id, "promised", until="2026-04-10", note="after Easter")
    page = texts_of(ana.get(PATH).text)
    for shown in (
        "Analytical Engines",
        "promised, until 2026-04-10",
        A_LONDON_PHONE,
        "INV-8001",
        "Wed 2026-04-01 11:00 Europe/London",
        "Wed 2026-04-01 10:00 Europe/London",
        "after Easter",
    ):
        assert shown in page


def test_a_filter_leaves_the_outcomes_of_one_kind_or_connection(
    basics: Basics, ana: ConsoleBrowser, database: psycopg.Connection, connection_id: uuid.UUID
) -> None:
    other = a_connection_with(
        basics.engine, a_contact("5002", name="Other Ltd"), an_invoice("8002", customer_id="5002")
    )
    report(database, connection_id, "reached", note="first")
    report(database, connection_id, "wrong_number", note="second")
    report(database, other.connection_id, "reached", note="third")
    shown = {
        "": {"first", "second", "third"},
        "?outcome=reached": {"first", "third"},
        f"?connection={connection_id}": {"first", "second"},
        f"?connection={connection_id}&outcome=reached": {"first"},
        "?outcome=disputed": set(),
    }
    for query, notes in shown.items():
        page = ana.get(f"{PATH}{query}").text
        assert set(re.findall("<bdi>(first|second|third)</bdi>", page)) == notes
    assert "No outcome is reported of this kind." in page


def test_the_latest_come_first_and_a_long_list_has_pages(
    ana: ConsoleBrowser, database: psycopg.Connection, connection_id: uuid.UUID
) -> None:
    for n in range(60):
        report(database, connection_id, "no_answer", note=f"no {n}", minutes=n // 3)
    page = ana.get(f"{PATH}?outcome=no_answer").text
    (more,) = re.findall(r'href="([^"]+)" rel="next"', page)
    assert "outcome=no_answer" in more
    rest = ana.get("/" + more.removeprefix("../../").replace("&amp;", "&")).text
    found = [[int(n) for n in re.findall("<bdi>no ([0-9]+)</bdi>", each)] for each in (page, rest)]
    assert [len(each) for each in found] == [50, 10]
    places = [n // 3 for n in found[0] + found[1]]
    assert places == sorted(places, reverse=True)
    assert len({*found[0], *found[1]}) == 60


def test_a_malformed_address_is_a_page_that_is_not_found(ana: ConsoleBrowser, subtests: pytest.Subtests) -> None:
    are_not_found(ana, subtests, PATH, "outcome=x", "after=1", f"after={UNKNOWN_ID}", f"after={UNKNOWN_ID}_1")


def test_hostile_notes_stay_texts(
    ana: ConsoleBrowser, database: psycopg.Connection, connection_id: uuid.UUID, subtests: pytest.Subtests
) -> None:
    for note in HOSTILE_NAMES:
        with subtests.test(note[:20]):
            report(database, connection_id, "reached", note=note)
            stays_text(ana, PATH, note)


def test_a_page_sends_six_statements_at_most(ana: ConsoleBrowser, connection_id: uuid.UUID) -> None:
    with sent_statements() as sent:
        assert ana.get(f"{PATH}?connection={connection_id}").status_code == 200
    assert len(sent) <= 6
