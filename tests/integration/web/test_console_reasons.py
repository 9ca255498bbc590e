"""Open invoices without a reminder are counted and listed by reason, and downloaded as a spreadsheet."""

import csv
import datetime as dt
import io

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.operators import Role
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import row, rows
from tests.integration.db.reminding import plan_all, tell_contact, tell_invoices
from tests.integration.web.console_browser import PASSWORD, ConsoleBrowser, token_in
from tests.integration.web.console_records import MOST_QUERIES, queries_of
from workers.boot.basics import Basics
from workers.services.operators import save_operator

NAMES = ("=HYPERLINK(1)", "Ada; Byron", "<script>alert(1)</script>")


@pytest.fixture
def skipped(engine: Engine, connection: Connection) -> Connection:
    """A connection with 120 invoices of customers without a phone, one without a due date, and a waiting one."""
    for number, name in enumerate(NAMES):
        tell_contact(engine, connection, a_contact(f"500{number}", name=name, mobile=""))
    for number in range(120):
        invoice = an_invoice(
            f"{9000 + number}",
            customer_id=f"500{number % 3}",
            number=f"INV-{number:03}",
            due_date=dt.date(2026, 4, 1) + dt.timedelta(days=number // 2),
        )
        tell_invoices(engine, connection, invoice)
    tell_invoices(engine, connection, an_invoice("7999", customer_id="404", number="WAITS"))
    tell_contact(engine, connection, a_contact("6000"))
    for number in range(2):
        tell_invoices(engine, connection, an_invoice(f"800{number}", customer_id="6000", due_date=None))
    plan_all(engine, connection)
    return connection


def list_of(connection: Connection, reason: str) -> str:
    return f"/invoices?connection={connection.connection_id}&reason={reason}"


def numbers_of(browser: ConsoleBrowser, address: str) -> list[str]:
    """The numbers of the invoices of a list, over all its pages."""
    numbers = []
    while address:
        page = browser.get(address).text
        numbers += [part.partition("<")[0] for part in page.split("<bdi>")[1:]]
        more = page.partition('" rel="next"')[0].rpartition('href="')[2] if 'rel="next"' in page else ""
        address = more.replace("./", "/", 1).replace("&amp;", "&")
    return numbers


@pytest.mark.slow
def test_each_reason_leads_to_its_invoices(ana: ConsoleBrowser, skipped: Connection) -> None:
    page = ana.get("/invoices").text
    for shown in ("no phone 120", "no due date 2", "customer missing 1", "The customer has no phone number."):
        assert shown in page
    listed = numbers_of(ana, list_of(skipped, "no_phone"))
    assert sorted(listed) == [f"INV-{number:03}" for number in range(120)]
    assert [int(each[4:]) // 2 for each in listed] == sorted(number // 2 for number in range(120)), "by due date"
    assert numbers_of(ana, list_of(skipped, "customer_missing")) == ["WAITS"]
    assert numbers_of(ana, list_of(skipped, "no_due_date")) == ["INV-8001", "INV-8001"]
    assert "No invoice." in ana.get(list_of(skipped, "disputed")).text


@pytest.mark.slow
def test_another_connection_has_its_own_reasons(ana: ConsoleBrowser, engine: Engine, skipped: Connection) -> None:
    other = a_connection(engine)
    assert "no phone" not in ana.get("/invoices").text
    assert "has a reminder" in ana.get(f"/invoices?connection={other.connection_id}").text
    assert numbers_of(ana, list_of(other, "no_phone")) == []


@pytest.mark.slow
def test_the_list_makes_few_queries(ana: ConsoleBrowser, skipped: Connection) -> None:
    assert queries_of(lambda: ana.get(list_of(skipped, "no_phone"))) <= MOST_QUERIES


@pytest.mark.slow
@pytest.mark.usefixtures("skipped")
def test_an_address_without_a_list_is_a_page(ana: ConsoleBrowser) -> None:
    for path in ("/invoices?reason=x", "/invoices?after=1", "/invoices?connection=1"):
        assert ana.get(path).status_code == 404


class TestTheDownload:
    def test_an_accountant_downloads_all_invoices_of_a_reason(
        self, browser: ConsoleBrowser, basics: Basics, engine: Engine, skipped: Connection
    ) -> None:
        save_operator(basics, "ben", Role.ACCOUNTANT, PASSWORD)
        browser.sign_in("ben", PASSWORD)
        page = browser.get(list_of(skipped, "no_phone"))
        response = browser.post(
            "/invoices/download",
            csrf_token=token_in(page),
            connection=str(skipped.connection_id),
            reason="no_phone",
        )
        assert response.headers["content-disposition"] == 'attachment; filename="invoices-no_phone.csv"'
        assert response.headers["cache-control"] == "no-store"
        found = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff")), delimiter=";"))
        assert len(found) == 120
        assert {each["customer"] for each in found} == {"'=HYPERLINK(1)", "Ada; Byron", "'<script>alert(1)</script>"}
        assert {each["to_pay"] for each in found} == {"120.00"}
        done = row(engine, "SELECT * FROM booksync.operator_actions WHERE action <> 'sign-in'")
        assert (done["operator"], done["action"], done["state"]) == ("ben", "download", "done")
        assert done["connection_id"] == skipped.connection_id

    def test_a_viewer_may_not_download(self, ana: ConsoleBrowser, engine: Engine, skipped: Connection) -> None:
        page = ana.get(list_of(skipped, "no_phone"))
        assert "Download" not in page.text
        response = ana.post("/invoices/download", csrf_token=token_in(page), reason="no_phone")
        assert response.status_code == 403
        assert rows(engine, "SELECT FROM booksync.operator_actions WHERE action <> 'sign-in'") == []
