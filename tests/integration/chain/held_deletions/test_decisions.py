"""Held deletions in `booksync deletions`, the status and the console: a person lists, applies or dismisses them."""

import pytest

from domain.runs import Mode
from tests.integration.chain.bench import Bench
from tests.integration.chain.checking import a_minute_passes
from tests.integration.chain.held_deletions.losses import (
    MANY,
    calls,
    decide,
    held_ids,
    live,
    lose_all_customers,
    lose_invoices,
    state,
)
from tests.integration.chain.test_reminder_commands import asked, run
from tests.integration.webhooks.hooks import post
from workers.web.console import overview
from workers.web.prometheus import render

pytestmark = pytest.mark.slow


class TestList:
    @pytest.mark.usefixtures("lost")
    def test_each_record_is_listed_with_its_name_evidence_and_time(self, synced: Bench, connection_id: str) -> None:
        told = asked("deletions", "list", connection_id)
        assert (told["customers"], told["invoices"]) == (0, MANY)
        cached, owners = synced.invoices(), synced.customers()
        for each in told["held"]:
            row = cached[each["record_id"]]
            assert (each["kind"], each["name"]) == ("invoice", row["invoice_number"])
            assert each["customer_name"] == owners[row["zoho_customer_id"]]["customer_name"]
            assert (each["evidence"], each["dismissed_at"]) == ("not_listed", None)
        words = run("deletions", "list", connection_id, "--limit", "2").stdout
        assert "missing from Zoho's list, and gone when asked for by its id" in words
        assert f"{MANY - 2} more: --limit {MANY}" in words

    @pytest.mark.usefixtures("lost")
    def test_control_characters_in_a_name_are_printed_harmless(self, synced: Bench, connection_id: str) -> None:
        synced.rows(
            "UPDATE booksync.customers_cache SET customer_name = %(name)s RETURNING id", name="\x1b[2J[red]A\nB\u202e"
        )
        words = run("deletions", "list", connection_id).stdout
        assert "\x1b" not in words
        assert "\u202e" not in words
        assert r"\x1b[2J[red]A\nB\u202e" in words

    def test_without_a_connection_the_records_of_all_are_listed(self, lost: list[str]) -> None:
        assert {each["record_id"] for each in asked("deletions", "list")["held"]} == set(lost)

    def test_one_kind_can_be_listed_alone(self, lost: list[str], connection_id: str) -> None:
        assert held_ids(connection_id, "--kind", "customer") == set()
        assert held_ids(connection_id, "--kind", "invoice") == set(lost)

    def test_an_empty_list_is_reported(self, connection_id: str) -> None:
        assert "No record is held back" in run("deletions", "list", connection_id).stdout

    @pytest.mark.usefixtures("synced")
    def test_an_unknown_connection_is_an_error(self) -> None:
        assert run("deletions", "list", "00000000-0000-4000-8000-000000000000").exit_code == 1


class TestApply:
    def test_a_confirmed_apply_marks_the_records(self, synced: Bench, lost: list[str], connection_id: str) -> None:
        result = decide("apply", connection_id, reply="y\n")
        assert result.exit_code == 0, result.output
        assert f"{MANY} invoices are marked deleted." in result.output
        assert live(synced, lost) == set()
        assert held_ids(connection_id) == set()
        assert synced.sync(Mode.FULL)["status"] == "succeeded"

    def test_a_declined_apply_changes_nothing(self, synced: Bench, lost: list[str], connection_id: str) -> None:
        result = decide("apply", connection_id, reply="n\n")
        assert (result.exit_code, "Nothing was changed." in result.output) == (0, True)
        assert live(synced, lost) == set(lost)

    def test_without_a_reply_nothing_is_changed(self, synced: Bench, lost: list[str], connection_id: str) -> None:
        assert decide("apply", connection_id, reply="").exit_code == 1
        assert live(synced, lost) == set(lost)

    @pytest.mark.usefixtures("lost")
    def test_the_question_names_the_first_records_of_the_list(self, connection_id: str) -> None:
        held = asked("deletions", "list", connection_id)["held"]
        output = decide("apply", connection_id, reply="n\n").output
        assert [each["name"] for each in held[:20] if each["name"] not in output] == []

    def test_one_record_can_be_marked_alone(self, synced: Bench, lost: list[str], connection_id: str) -> None:
        told = asked("deletions", "apply", connection_id, "--record", lost[0], "--yes")
        assert told["applied"] == {"customers": 0, "invoices": 1}
        assert live(synced, lost) == set(lost[1:])
        assert held_ids(connection_id) == set(lost[1:])

    def test_another_kind_is_not_changed(self, synced: Bench, lost: list[str], connection_id: str) -> None:
        told = asked("deletions", "apply", connection_id, "--kind", "customer", "--yes")
        assert told["applied"] == {"customers": 0, "invoices": 0}
        assert live(synced, lost) == set(lost)

    @pytest.mark.usefixtures("lost")
    def test_a_record_that_is_not_held_is_refused(self, connection_id: str) -> None:
        assert run("deletions", "apply", connection_id, "--record", "42", "--yes").exit_code == 2

    @pytest.mark.usefixtures("lost")
    def test_json_without_yes_is_refused(self, connection_id: str) -> None:
        assert run("deletions", "apply", connection_id, "--json").exit_code == 2

    def test_customers_are_marked_in_batches(
        self, synced: Bench, connection_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.services.held_deletions.BATCH", 7)
        lose_all_customers(synced)
        synced.sync(Mode.FULL)
        everyone = len(synced.customers())
        told = asked("deletions", "apply", connection_id, "--kind", "customer", "--yes")
        assert told["applied"] == {"customers": everyone, "invoices": 0}
        assert {row["status"] for row in synced.customers().values()} == {"deleted"}
        assert synced.rows("SELECT id FROM reminders WHERE status = 'scheduled'") == []

    def test_a_marked_record_that_zoho_lists_again_is_live_again(self, synced: Bench, connection_id: str) -> None:
        lose_all_customers(synced)
        synced.sync(Mode.FULL)
        asked("deletions", "apply", connection_id, "--yes")
        a_minute_passes(synced)
        synced.zoho.clear_faults()
        synced.sync(Mode.FULL)
        assert "deleted" not in {row["status"] for row in synced.customers().values()}


class TestDismiss:
    def test_dismissed_records_stay_cached_without_being_held(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        told = asked("deletions", "dismiss", connection_id, "--yes")
        assert told["dismissed"] == {"customers": 0, "invoices": MANY}
        assert held_ids(connection_id) == set()
        assert held_ids(connection_id, "--dismissed") == set(lost)
        assert live(synced, lost) == set(lost)

    def test_later_runs_do_not_hold_dismissed_records_again(
        self, synced: Bench, lost: list[str], connection_id: str
    ) -> None:
        asked("deletions", "dismiss", connection_id, "--yes")
        assert synced.sync(Mode.FULL)["status"] == "succeeded"
        assert (calls(synced), held_ids(connection_id)) == (0, set())
        assert live(synced, lost) == set(lost)

    @pytest.mark.usefixtures("lost")
    def test_dismissed_records_do_not_count_towards_the_safeguard(self, synced: Bench, connection_id: str) -> None:
        asked("deletions", "dismiss", connection_id, "--yes")
        (more,) = lose_invoices(synced, 1)
        assert synced.sync(Mode.FULL)["status"] == "succeeded"
        assert live(synced, [more]) == set()


async def admit(*_: object) -> None:
    """Accepts any password."""


class TestStatus:
    @pytest.mark.usefixtures("lost")
    def test_status_counts_held_records_until_a_person_decides(self, synced: Bench, connection_id: str) -> None:
        held = state(connection_id)["held_deletions"]
        assert (held["customers"], held["invoices"]) == (0, MANY)
        assert held["since"] is not None
        synced.sync(Mode.FULL)
        assert f"{MANY} invoices have been held back from being marked deleted since" in run("status").stdout
        asked("deletions", "apply", connection_id, "--yes")
        assert state(connection_id)["held_deletions"] == {"customers": 0, "invoices": 0, "since": None}
        assert "held back" not in run("status").stdout.replace("\n", " ").split("started")[0]

    @pytest.mark.usefixtures("lost")
    def test_metrics_count_held_records(self, synced: Bench, connection_id: str) -> None:
        lines = render(synced.resources).decode().splitlines()
        name = f'booksync_held_deletions{{connection="{connection_id}",kind='
        assert f'{name}"invoice"}} {MANY}.0' in lines
        assert f'{name}"customer"}} 0.0' in lines

    @pytest.mark.usefixtures("lost")
    def test_the_console_counts_held_records(
        self, synced: Bench, connection_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(overview, "_check_password", admit)
        page = " ".join(post(synced.resources, "/", b"", {}, method="GET").text.split())
        assert f"0 customers and {MANY} invoices are held back from being marked deleted" in page
        assert f"deletions?connection={connection_id}" in page
