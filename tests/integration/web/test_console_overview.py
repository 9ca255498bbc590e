"""Promises of the console's overview: what needs a person comes first, and any number of connections is listed fast."""

import asyncio
import re
import uuid

import psycopg
import pytest

from domain.operators import Role
from tests.integration.statements import recorded_statements
from tests.integration.web.console_browser import PASSWORD, ConsoleBrowser
from tests.integration.web.counting import counting_waits
from tests.integration.web.overview_rows import add_call, add_connection, add_runs
from workers.boot.basics import Basics
from workers.services import connection_order, overview
from workers.services.operators import save_operator
from workers.web.app import app

MOST_STATEMENTS = 6

_MARKUP = re.compile(r"<[^>]+>|\s+")


def text_of(page: str) -> str:
    """The words of a page, without its style and script."""
    body = page.split("<main", 1)[1].split("</main>")[0]
    return re.sub(r"\s+", " ", _MARKUP.sub(" ", body))


def listed(page: str) -> list[str]:
    """The names in the list of connections, in its order."""
    _, _, connections = page.partition('id="connections"')
    return re.findall(r"<h3><a [^>]+><bdi>([^<]*)</bdi>", connections)


def test_a_new_installation_is_led_to_its_first_connection(ana: ConsoleBrowser) -> None:
    page = text_of(ana.get("/").text)
    assert "No connection exists yet" in page
    assert "Start a worker and a scheduler: dramatiq workers.main and booksync scheduler" in page
    assert "booksync connect --browser --user ID prints a link" in page
    assert "Name or organisation" not in page


class TestFirstSentence:
    def test_it_counts_the_connections_that_need_a_person(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        add_connection(database, "Coastal Fabrics")
        add_connection(database, "Harbour", "20", status="parked", parked_reason="The grant was revoked.")
        assert "1 of 2 connections needs you, and so does the installation" in text_of(ana.get("/").text)

    def test_a_trouble_that_ends_by_itself_needs_no_person(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        added = add_connection(database, "Coastal Fabrics")
        add_runs(database, added, "degraded")
        page = text_of(ana.get("/").text)
        assert "The last run of the connection is degraded" in page
        assert "The connections are in order, but the installation needs you" in page


class TestTroubles:
    def test_each_has_its_time_and_a_link_to_its_next_step(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        added = add_connection(database, "Harbour")
        add_runs(database, added, "failed", "succeeded")
        page = ana.get("/").text
        assert "Harbour : The last run of the connection has failed for 60 s" in text_of(page)
        assert f'<a href="./dead-letters?connection={added.connection_id}">Look at the dead letters</a>' in page

    def test_of_many_equal_ones_some_are_listed_and_the_others_counted(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        for number in range(5):
            add_connection(database, f"No. {number}", str(number), status="parked")
        page = ana.get("/").text
        assert text_of(page).count("The connection is parked: no sync starts") == 3
        assert "And 2 more of these" in text_of(page)

    def test_tiles_show_servers_and_processes(self, ana: ConsoleBrowser) -> None:
        page = text_of(ana.get("/").text)
        for tile in ("Postgres well: version", "Redis well: works", "Workers error: 0 running", "Web processes"):
            assert tile in page


class TestConnections:
    def test_the_worst_come_first(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        add_connection(database, "Paused", "1", status="paused")
        add_connection(database, "Well", "2")
        add_connection(database, "Parked", "3", status="parked")
        degraded = add_connection(database, "Degraded", "4")
        closed = add_connection(database, "Closed", "5", handover="closed")
        add_runs(database, degraded, "degraded")
        add_call(database, closed, "+442070313000", days=0)
        assert listed(ana.get("/").text) == ["Parked", "Closed", "Degraded", "Well", "Paused"]

    def test_runs_are_shapes_with_a_text(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        added = add_connection(database, "Harbour")
        add_runs(database, added, "failed", "succeeded", "succeeded")
        page = ana.get("/").text
        (strip,) = re.findall(r'<svg class="strip".*?</svg>', page, re.DOTALL)
        assert re.search(r'aria-label="Last 3 runs: 1 failed, 2 succeeded. The newest failed, \d+ s ago"', strip)
        assert re.findall(r'<g class="(\w+)"', strip) == ["succeeded", "succeeded", "failed"]
        shapes = re.findall(r"</title><(\w+)", strip)
        assert shapes == ["circle", "circle", "path"]

    def test_the_calls_due_today_are_counted_by_number(self, ana: ConsoleBrowser, database: psycopg.Connection) -> None:
        added = add_connection(database, "Harbour")
        for phone, days in (("+442070313000", -1), ("+442070313001", 0), ("+442070313002", 1)):
            add_call(database, added, phone, days=days)
        page = ana.get("/").text
        assert "reminder calls due today 2" in text_of(page)
        assert "3 open invoices with a scheduled reminder" in text_of(page)
        assert "+44" not in page
        assert "Ada" not in page

    def test_held_deletions_and_waiting_invoices_stay_visible(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        added = add_connection(database, "Harbour")
        database.execute(
            "INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, customer_name, status,"
            " observed_at, gone_at) VALUES (%s, %s, '5001', 'Ada', 'active', now(), now())",
            [added.user_id, added.connection_id],
        )
        database.execute(
            "INSERT INTO booksync.held_deletions (connection_id, kind, record_id, evidence, found_at)"
            " SELECT connection_id, 'customer', '5001', 'list', gone_at FROM booksync.customers_cache"
        )
        database.execute(
            "INSERT INTO booksync.waiting_invoices (user_id, connection_id, zoho_invoice_id, zoho_customer_id, reason,"
            " invoice, is_open, observed_at) VALUES (%s, %s, '1', '6001', 'customer_missing', '{}', true, now())",
            [added.user_id, added.connection_id],
        )
        page = text_of(ana.get("/").text)
        assert "1 customers and 0 invoices are held back from being marked deleted" in page
        assert "waiting invoices customer missing 1" in page

    def test_details_are_left_to_the_connections_own_page_if_there_are_many(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        for number in range(overview.MOST_WITH_DETAILS):
            add_connection(database, f"No. {number}", str(number))
        assert "with a valid phone" in ana.get("/").text
        last = add_connection(database, "One more", "99")
        page = ana.get("/").text
        assert "with a valid phone" not in page
        assert f'<a href="./connections/{last.connection_id}"><bdi>One more</bdi></a>' in page


class TestFilters:
    @pytest.fixture(autouse=True)
    def connections(self, database: psycopg.Connection) -> None:
        add_connection(database, "Coastal Fabrics", "111")
        add_connection(database, "Harbour", "222", status="paused")
        add_connection(database, "Nordlicht", "333", status="parked", own_name="Möbel")

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("state=paused", ["Harbour"]),
            ("state=needs-you", ["Möbel"]),
            ("state=disconnected", []),
            ("state=unknown", ["Möbel", "Coastal Fabrics", "Harbour"]),
        ],
    )
    def test_a_state_chooses_connections(self, ana: ConsoleBrowser, query: str, names: list[str]) -> None:
        response = ana.get(f"/?{query}")
        assert (response.status_code, listed(response.text)) == (200, names)

    @pytest.mark.parametrize(
        ("words", "names"),
        [
            ("FABRICS", ["Coastal Fabrics"]),
            ("222", ["Harbour"]),
            ("möbel", ["Möbel"]),
            ("nordlicht", ["Möbel"]),  # the organisation's own name
            ("%", []),
            ("<script>", []),
        ],
    )
    def test_words_find_connections_without_being_in_the_address(
        self, ana: ConsoleBrowser, words: str, names: list[str]
    ) -> None:
        response = ana.post("/", csrf_token=ana.token("/"), words=words)
        assert (response.status_code, listed(response.text)) == (200, names)
        assert f'value="{words.replace("<", "&lt;").replace(">", "&gt;")}"' in response.text
        assert not re.search(r'id="connections"[^>]* data-live', response.text)

    def test_a_search_needs_the_forms_token(self, ana: ConsoleBrowser) -> None:
        assert ana.post("/", words="Harbour").status_code == 403


class TestPages:
    @pytest.fixture(autouse=True)
    def connections(self, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection_order, "CONNECTIONS_SHOWN", 2)
        for number in range(5):
            add_connection(database, f"No. {number}", str(number), status="paused" if number == 1 else "active")

    def test_the_list_goes_on_after_the_last_connection(self, ana: ConsoleBrowser) -> None:
        pages, address = [], "/?state=active"
        while address:
            page = ana.get(address).text
            pages.append(listed(page))
            more = re.search(r'href="\./(\?[^"]+)" rel="next"', page)
            address = f"/{more[1].replace('&amp;', '&')}" if more else ""
        assert pages == [["No. 0", "No. 2"], ["No. 3", "No. 4"]]

    @pytest.mark.parametrize("after", [str(uuid.UUID(int=1)), "x", "%27%20OR%201=1", "%00"])
    def test_a_connection_that_is_not_listed_is_a_404_page(self, ana: ConsoleBrowser, after: str) -> None:
        response = ana.get(f"/?after={after}")
        assert response.status_code == 404
        assert "The list has changed" in response.text


class TestCost:
    def test_a_page_makes_few_statements_for_any_number_of_connections(
        self, ana: ConsoleBrowser, database: psycopg.Connection
    ) -> None:
        counts = []
        for total in (0, 1, 30):
            for number in range(total):
                add_runs(database, add_connection(database, f"No. {number}", f"{total}{number}"), "succeeded")
            with recorded_statements(app.state.resources.engine) as sent:
                assert ana.get("/").status_code == 200
            counts.append(len(sent))
        assert max(counts) <= MOST_STATEMENTS

    def test_a_large_installation_shows_the_age_of_its_counts_and_live_states(
        self, ana: ConsoleBrowser, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_order, "MANY_CONNECTIONS", 1)
        add_connection(database, "Harbour")
        assert "Troubles and counts of connections were read" not in ana.get("/").text
        database.execute(
            "UPDATE booksync.zoho_connections SET status = 'paused', paused_at = now(), paused_reason = 'audit'"
        )
        with recorded_statements(app.state.resources.engine) as sent:
            page = text_of(ana.get("/").text)
        assert "Troubles and counts of connections were read" in page
        assert ": audit" in page
        assert len(sent) < MOST_STATEMENTS

    def test_connections_are_listed_before_their_rows_are_counted(
        self, ana: ConsoleBrowser, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_connection(database, "Harbour")
        add_connection(database, "Coast", "20", status="parked", parked_reason="The grant was revoked.")
        with counting_waits(monkeypatch), recorded_statements(app.state.resources.engine) as sent:
            response = ana.get("/")
        page = text_of(response.text)
        assert set(listed(response.text)) == {"Harbour", "Coast"}
        assert "The rows are being counted." in page
        assert "All is well with" not in page
        assert "because the rows are being counted: connections" in page
        assert "reminder calls due today being counted" in page
        assert len(sent) <= MOST_STATEMENTS
        assert "1 of 2 connections needs you" in text_of(ana.get("/").text)

    def test_a_connection_that_was_erased_since_is_not_listed(
        self, ana: ConsoleBrowser, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_order, "MANY_CONNECTIONS", 1)
        add_connection(database, "Harbour")
        gone = add_connection(database, "Gone", "2")
        assert listed(ana.get("/").text) == ["Harbour", "Gone"]
        database.execute("DELETE FROM sync_metadata WHERE connection_id = %s", [gone.connection_id])
        database.execute("DELETE FROM booksync.zoho_connections WHERE id = %s", [gone.connection_id])
        assert listed(ana.get("/").text) == ["Harbour"]


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_the_overview(
    runner: asyncio.Runner, basics: Basics, database: psycopg.Connection, role: Role
) -> None:
    add_connection(database, "Harbour")
    save_operator(basics, "bo", role, PASSWORD)
    browser = ConsoleBrowser(runner)
    browser.sign_in("bo", PASSWORD)
    assert listed(browser.get("/").text) == ["Harbour"]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202eskooB", "N" * 500])
def test_a_hostile_name_stays_a_name_in_troubles_too(
    ana: ConsoleBrowser, database: psycopg.Connection, name: str
) -> None:
    add_connection(database, name, status="parked")
    page = ana.get("/").text
    shown = name.replace("<", "&lt;").replace(">", "&gt;")
    assert page.count(f"<bdi>{shown}</bdi>") == 2
    assert "<script>alert" not in page
