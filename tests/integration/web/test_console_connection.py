"""A connection's page in the console: what it shows, and its simple actions."""

import asyncio

import pytest

from tests.integration.statements import recorded_statements
from tests.integration.web.connection_pages import Database, act, actions, connected, flash_in, invoice
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from tests.integration.web.counting import counting_waits
from workers.web.app import app


@pytest.fixture
def page(runner: asyncio.Runner, database: Database) -> str:
    return connected(database)


class TestThePage:
    def test_it_shows_the_state_the_counts_the_runs_and_the_events(self, ana: ConsoleBrowser, page: str) -> None:
        response = ana.get(page)
        assert response.status_code == 200
        for shown in (
            "Organisation 10234695",
            "It is synced on schedule",
            "0 of 100 calls used in this window",
            "succeeded",
            "contact <code>5001</code>",
            "/webhooks/zoho/",
        ):
            assert shown in response.text

    def test_it_makes_at_most_five_queries(self, ana: ConsoleBrowser, page: str) -> None:
        ana.get(page)
        with recorded_statements(app.state.resources.engine) as statements:
            assert ana.get(page).status_code == 200
        assert len(statements) <= 5, statements  # The first use in a minute records it with one more.

    def test_it_is_shown_before_its_rows_are_counted(
        self, ana: ConsoleBrowser, page: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with counting_waits(monkeypatch):
            early = ana.get(page).text
        assert "It is synced on schedule" in early
        assert "The rows are being counted." in early
        assert 'http-equiv="refresh"' in early
        later = ana.get(page).text
        assert "With a valid phone" in later
        assert "being counted" not in later
        assert 'http-equiv="refresh"' not in later

    def test_no_secret_and_no_personal_data_is_on_it(self, ana: ConsoleBrowser, page: str) -> None:
        text = ana.get(page).text
        assert not any(word in text for word in ("Ada", "ada@", "+44", "secret-refresh", "secret-webhook"))

    @pytest.mark.parametrize("written", ["x", "00000000-0000-0000-0000-000000000000", "%00", "1" * 500])
    def test_an_unknown_id_is_a_page_that_says_so(self, ana: ConsoleBrowser, written: str) -> None:
        response = ana.get(f"/connections/{written}")
        assert response.status_code == 404
        assert "No such connection" in response.text

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
            # a mark that turns the direction of the text after it
            ("\u202eskooB", "<bdi>\u202eskooB</bdi>"),
            ("N" * 500, f"<bdi>{'N' * 500}</bdi>"),
        ],
    )
    def test_a_hostile_name_stays_a_name(
        self, ana: ConsoleBrowser, database: Database, page: str, name: str, shown: str
    ) -> None:
        database.execute("UPDATE booksync.zoho_connections SET organization_name = %s, paused_reason = %s", [name] * 2)
        database.execute("UPDATE booksync.zoho_connections SET status = 'paused', paused_at = now()")
        text = ana.get(page).text
        assert f"<h1>{shown}</h1>" in text
        assert f": {shown}</p>" in text
        assert "<script>alert" not in text
        assert "<title>Connection</title>" in text

    def test_a_waiting_run_says_what_it_waits_for_and_until_when(
        self, ana: ConsoleBrowser, database: Database, page: str
    ) -> None:
        database.execute(
            "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, step, sweep_at, not_before,"
            " waiting_for, counters, api_calls)"
            " SELECT user_id, id, 'full', 'contacts', 7, now(), now() + interval '10 min', 'the API budget',"
            " '{\"customers_new\": 1200}', 42 FROM booksync.zoho_connections"
        )
        text = " ".join(ana.get(page).text.split())
        assert "full run, phase contacts, step 7" in text
        assert "42 calls, 1,200 rows written" in text
        assert "It waits for the API budget, until" in text
        assert "(in 10 min)" in text

    @pytest.mark.parametrize(
        ("status", "meaning"),
        [
            ("parked", "Zoho refuses the connection"),
            ("paused", "A person has stopped the connection"),
            ("disconnected", "Its cached rows stay"),
            ("erasing", "Its rows are being erased"),
        ],
    )
    def test_each_state_says_what_it_means(
        self, olga: ConsoleBrowser, database: Database, page: str, status: str, meaning: str
    ) -> None:
        database.execute("UPDATE booksync.zoho_connections SET status = %s, disconnected_at = now()", [status])
        text = olga.get(page).text
        assert meaning in text
        assert ("Sync now" in text) == (status == "parked")
        assert (">Disconnect…<" in text) == (status in ("parked", "paused"))

    def test_reasons_lead_to_the_invoices(self, ana: ConsoleBrowser, database: Database, page: str) -> None:
        invoice(database, "7001", outcome="no_phone")
        connection_id = page.rsplit("/", 1)[1]
        text = ana.get(page).text
        assert f'href="../invoices?connection={connection_id}&amp;reason=no_phone"' in text


class TestActions:
    def test_a_viewer_sees_no_action_and_may_do_none(self, ana: ConsoleBrowser, database: Database, page: str) -> None:
        response = ana.get(page)
        assert "Sync now" not in response.text
        for action in ("sync", "full-sync", "pause", "resume", "handover/close", "rename", "disconnect"):
            refused = ana.post(f"{page}/{action}", csrf_token=token_in(response), typed="10234695")
            assert refused.status_code == 403, action
        assert actions(database) == []

    def test_sync_now_starts_a_run_or_joins_the_active_one(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        assert "has started" in flash_in(act(olga, page, "sync"))
        assert "is active already" in flash_in(act(olga, page, "sync"))
        assert "The scheduler starts a full run after it" in flash_in(act(olga, page, "full-sync"))
        runs = database.execute("SELECT mode FROM booksync.sync_runs WHERE status = 'running'").fetchall()
        assert runs == [("incremental",)]
        assert actions(database) == [
            ("olga", "sync", "done"),
            ("olga", "sync", "done"),
            ("olga", "full sync", "done"),
        ]

    def test_a_pause_has_its_reason_and_ends(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        paused = act(olga, page, "pause", note="year-end <b>audit")
        assert "The connection is paused" in flash_in(paused)
        assert "year-end &lt;b&gt;audit" in paused.text
        refused = act(olga, page, "sync")
        assert "booksync does not sync connection" in flash_in(refused)
        assert 'role="alert"' in refused.text
        assert "works again" in flash_in(act(olga, page, "resume"))
        assert [(action, state) for _, action, state in actions(database)] == [
            ("pause", "done"),
            ("sync", "refused"),
            ("resume", "done"),
        ]
        notes = database.execute("SELECT note FROM booksync.operator_actions WHERE action = 'pause'").fetchone()
        assert notes == ("year-end <b>audit",)

    def test_the_handover_is_closed(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        database.execute("UPDATE booksync.zoho_connections SET handover = 'open', handover_opened_at = now()")
        assert "Handover is closed" in flash_in(act(olga, page, "handover/close"))
        assert database.execute("SELECT handover FROM booksync.zoho_connections").fetchone() == ("closed",)

    def test_a_connection_is_renamed(self, olga: ConsoleBrowser, page: str) -> None:
        renamed = act(olga, page, "rename", name=" Main <books> ")
        assert "<h1><bdi>Main &lt;books&gt;</bdi></h1>" in renamed.text
        assert "has at most 100 characters" in flash_in(act(olga, page, "rename", name="x" * 101))

    def test_a_disconnect_needs_the_typed_name(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        assert "Nothing was changed" in flash_in(act(olga, page, "disconnect", typed="1023469"))
        assert database.execute("SELECT status FROM booksync.zoho_connections").fetchone() == ("active",)
        assert "The connection is disconnected" in flash_in(act(olga, page, "disconnect", typed=" 10234695 "))
        assert database.execute("SELECT status FROM booksync.zoho_connections").fetchone() == ("disconnected",)
        assert [state for _, _, state in actions(database)] == ["refused", "done"]

    def test_a_forged_form_changes_nothing(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        assert olga.post(f"{page}/pause", csrf_token="x").status_code == 403
        assert database.execute("SELECT status FROM booksync.zoho_connections").fetchone() == ("active",)

    def test_an_action_on_an_unknown_connection_says_so(self, olga: ConsoleBrowser, page: str) -> None:
        token = token_in(olga.get(page))
        assert olga.post("/connections/x/sync", csrf_token=token).status_code == 404


class TestLoadingItselfWithoutJavaScript:
    def test_a_sync_leads_to_the_page_that_loads_itself_while_the_run_goes_on(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        response = olga.post(f"{page}/sync", None, csrf_token=token_in(olga.get(page)))
        assert response.headers["location"].endswith(f"{page}?watch=1")
        watched = olga.get(f"{page}?watch=1").text
        assert '<noscript><meta http-equiv="refresh" content="5; url=?watch=1&amp;reloaded=1"></noscript>' in watched
        assert "Stop this" in watched
        database.execute("UPDATE booksync.sync_runs SET status = 'succeeded', finished_at = now()")
        assert 'http-equiv="refresh"' not in olga.get(f"{page}?watch=1").text

    def test_a_page_with_forms_loads_itself_only_if_the_operator_wants_it(
        self, olga: ConsoleBrowser, page: str
    ) -> None:
        olga.post(f"{page}/sync", None, csrf_token=token_in(olga.get(page)))
        shown = olga.get(page).text
        assert 'http-equiv="refresh"' not in shown
        assert "?watch=1" in shown
