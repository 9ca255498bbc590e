"""The console's held deletions: who is missing, what they owe, and an operator's decision."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.entities import CUSTOMER, INVOICE, Entity
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.db.test_deletions import tell
from tests.integration.db.test_held_deletions import lose
from tests.integration.statements import at_most
from tests.integration.web.console_browser import ConsoleBrowser
from workers.web.console import deletions as page


@pytest.fixture
def home(engine: Engine) -> Connection:
    """A connection with three customers, each with one invoice of its own id."""
    connection = a_connection(engine)
    tell(engine, connection, "1", "2", "3")
    return connection


def lost(engine: Engine, connection: Connection, kind: Entity, *ids: str) -> None:
    for each in ids:
        assert lose(engine, connection, kind, each) == 1


def decide(browser: ConsoleBrowser, home: Connection, decision: str, **form: Any) -> Any:
    """Send the form of a connection's page, with the token of its session."""
    token = browser.token("/deletions")
    given = {"csrf_token": token, "decision": decision, "connection": str(home.connection_id)} | form
    return browser.runner.run(browser.request("POST", "/deletions", given))


def live(engine: Engine, kind: Entity) -> list[str]:
    table, record_id = {
        CUSTOMER: ("booksync.customers_cache", "zoho_customer_id"),
        INVOICE: ("invoices_cache", "zoho_invoice_id"),
    }[kind]
    found = rows(engine, f"SELECT {record_id} AS id FROM {table} WHERE status <> 'deleted' ORDER BY 1")
    return [each["id"] for each in found]


def actions(engine: Engine) -> list[tuple[Any, ...]]:
    found = rows(
        engine,
        "SELECT operator, action, state, subject, note, result, reason FROM booksync.operator_actions "
        "WHERE action NOT IN ('sign-in', 'deletions held back') ORDER BY began_at, id",
    )
    return [tuple(each.values()) for each in found]


class TestPage:
    def test_without_held_records_there_is_nothing_to_do(self, ana: ConsoleBrowser) -> None:
        shown = ana.get("/deletions")
        assert shown.status_code == 200
        assert "Nothing to do" in shown.text

    def test_it_shows_who_is_missing_and_what_they_owe(
        self, ana: ConsoleBrowser, engine: Engine, home: Connection
    ) -> None:
        change(engine, "UPDATE booksync.customers_cache SET customer_name = 'Ada ' || zoho_customer_id")
        change(engine, "UPDATE invoices_cache SET balance = 1234.5, currency_code = 'GBP'")
        lost(engine, home, CUSTOMER, "1")
        lost(engine, home, INVOICE, "2")
        shown = ana.get("/deletions").text
        assert re.search(r"<bdi>Ada 1</bdi>.*?GBP 1,234\.50.*?1 invoice", shown, re.DOTALL)
        assert re.search(r"<bdi>Ada 2</bdi>.*?GBP 1,234\.50", shown, re.DOTALL)
        assert "Ada 3" not in shown
        assert "missing from Zoho&#39;s list" in shown

    def test_closed_invoices_are_not_owed(self, ana: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        change(engine, "UPDATE invoices_cache SET status = 'void'")
        lost(engine, home, CUSTOMER, "1")
        assert re.search(r'<td class="number"[^>]*>nothing', ana.get("/deletions").text)

    def test_pages_have_each_record_once(
        self, ana: ConsoleBrowser, engine: Engine, home: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = a_connection(engine)
        tell(engine, other, "4", "5")
        for connection, ids in ((home, ("1", "2", "3")), (other, ("4", "5"))):
            lost(engine, connection, CUSTOMER, *ids)
            lost(engine, connection, INVOICE, *ids)
        monkeypatch.setattr(page, "RECORDS", 3)
        address, found = "/deletions", []
        while address:
            shown = ana.get(address).text
            found += re.findall(r'<td[^>]*>(customer|invoice)\b.*?<span class="quiet">(\d)</span>', shown)
            following = re.search(r'href="\.(/[^"]+)" rel="next"', shown)
            address = following[1].replace("&amp;", "&") if following else ""
        assert sorted(found) == [(kind, str(each)) for kind in ("customer", "invoice") for each in range(1, 6)]

    @pytest.mark.parametrize(
        "query",
        ["connection=x", "after=x", f"after={uuid.UUID(int=0)}.thing.1", "after=.customer.1", "after=%00"],
    )
    def test_a_malformed_address_is_a_page_that_does_not_exist(self, ana: ConsoleBrowser, query: str) -> None:
        assert ana.get(f"/deletions?{query}").status_code == 404

    def test_hostile_names_stay_text(self, ana: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        hostile = "<script>alert(1)</script>\u202e" + "x" * 500
        change(engine, "UPDATE booksync.customers_cache SET customer_name = :name", name=hostile)
        change(engine, "UPDATE invoices_cache SET invoice_number = :name, currency_code = :name", name=hostile)
        change(engine, "UPDATE booksync.zoho_connections SET own_name = :name", name=hostile)
        lost(engine, home, CUSTOMER, "1")
        lost(engine, home, INVOICE, "2")
        shown = ana.get("/deletions").text
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert(1)" in shown

    def test_a_page_makes_few_queries(self, ana: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        lost(engine, home, CUSTOMER, "1")
        with at_most(6):
            ana.get(f"/deletions?connection={home.connection_id}")


class TestDecision:
    def test_all_of_a_connection_are_marked_deleted(
        self, olga: ConsoleBrowser, engine: Engine, home: Connection
    ) -> None:
        lost(engine, home, INVOICE, "1", "2")
        response = decide(olga, home, "apply", expected="2", note="sold")
        assert response.headers["location"] == f"./deletions?connection={home.connection_id}"
        assert live(engine, INVOICE) == ["3"]
        assert actions(engine) == [
            (
                "olga",
                "apply deletions",
                "done",
                "2 records",
                "sold",
                "2 invoices are marked deleted.",
                "",
            )
        ]
        assert "2 invoices are marked deleted." in olga.get("/deletions").text

    def test_all_of_a_connection_are_kept(self, olga: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        lost(engine, home, CUSTOMER, "1")
        decide(olga, home, "dismiss", expected="1")
        assert live(engine, CUSTOMER) == ["1", "2", "3"]
        assert "waits for a decision" in olga.get(f"/deletions?connection={home.connection_id}").text
        assert "dismissed" in olga.get(f"/deletions?connection={home.connection_id}&dismissed=1").text

    def test_only_the_chosen_records_are_decided(self, olga: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        lost(engine, home, CUSTOMER, "1", "2")
        lost(engine, home, INVOICE, "3")
        assert 'name="record" value="customer.2"' in olga.get(f"/deletions?connection={home.connection_id}").text
        decide(olga, home, "apply", record=["customer.2", "invoice.3"])
        assert live(engine, CUSTOMER) == ["1", "3"]
        assert live(engine, INVOICE) == ["1", "2"]

    def test_what_the_page_did_not_show_is_not_decided(
        self, olga: ConsoleBrowser, engine: Engine, home: Connection
    ) -> None:
        lost(engine, home, CUSTOMER, "1", "2")
        forms: list[dict[str, Any]] = [
            {"expected": "1"},
            {"record": ["customer.1", "customer.3"]},
            {},
            {"expected": "3"},
        ]
        for form in forms:
            decide(olga, home, "apply", **form)
            assert "not those that the page showed" in olga.get("/deletions").text
        assert live(engine, CUSTOMER) == ["1", "2", "3"]
        assert {each[2] for each in actions(engine)} == {"refused"}

    def test_a_viewer_may_not_decide(self, ana: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        lost(engine, home, CUSTOMER, "1")
        shown = ana.get(f"/deletions?connection={home.connection_id}").text
        assert "Apply" not in shown
        assert 'type="checkbox"' not in shown
        assert decide(ana, home, "apply", expected="1").status_code == 403
        assert live(engine, CUSTOMER) == ["1", "2", "3"]

    def test_a_malformed_form_changes_nothing(self, olga: ConsoleBrowser, engine: Engine, home: Connection) -> None:
        lost(engine, home, CUSTOMER, "1")
        forms: list[dict[str, Any]] = [
            {"expected": "x"},
            {"record": ["thing.1"]},
            {"connection": "x"},
            {"connection": ""},
        ]
        for form in forms:
            assert decide(olga, home, "apply", **form).status_code == 404
        assert decide(olga, home, "erase", expected="1").status_code == 404
        assert decide(olga, home, "apply", connection=str(uuid.uuid4()), expected="0").status_code == 303
        assert live(engine, CUSTOMER) == ["1", "2", "3"]
