"""`booksync reminders preview|open|close|report` and `booksync do-not-call`: their output and their changes."""

import datetime as dt
from typing import Any

import pytest

from domain.reminders.opening import Backlog, Handover
from sandbox.zoho import commands as ask
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_reminder_commands import asked, run


@pytest.fixture
def connection_id(synced: Bench) -> str:
    return str(synced.connection_id)


def stage(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["funnel"] if each["stage"] == name)
    return found


def reminders(bench: Bench) -> list[dict[str, Any]]:
    return bench.rows("SELECT id, status, step, scheduled_at FROM reminders ORDER BY invoice_id, step")


class TestPreview:
    def test_each_stage_equals_the_previous_one_minus_its_losses(self, connection_id: str) -> None:
        told = asked("reminders", "preview", connection_id)
        for before, after in zip(told["funnel"], told["funnel"][1:], strict=False):
            assert after["invoices"] == before["invoices"] - sum(lost["invoices"] for lost in after["losses"])

    def test_preview_counts_the_plans_of_the_sync(self, synced: Bench, connection_id: str) -> None:
        told = asked("reminders", "preview", connection_id)
        planned = synced.rows("SELECT count(*) AS n FROM invoices_cache WHERE plan_outcome = 'scheduled'")[0]["n"]
        owed = synced.rows("""
            SELECT count(*) AS n FROM invoices_cache
             WHERE status IN ('sent', 'overdue', 'partially_paid') AND balance > 0
        """)[0]["n"]
        assert (stage(told, "open")["invoices"], stage(told, "to_come")["invoices"]) == (owed, planned)
        assert planned > 0

    def test_preview_ends_with_the_invoices_called_about_tomorrow(self, connection_id: str) -> None:
        told = asked("reminders", "preview", connection_id, "--limit", "1000")
        tomorrow = stage(told, "tomorrow")
        assert [lost["reason"] for lost in tomorrow["losses"]] == ["another_day"]
        called = sum(len(call["invoices"]) for call in told["calls"]) if told["tomorrow"]["calls"] else 0
        assert tomorrow["invoices"] == called

    def test_preview_reports_how_many_countries_must_be_read(self, connection_id: str) -> None:
        told = asked("reminders", "preview", connection_id)["uncertain_countries"]
        assert told["customers"] == told["to_ask"] > 0
        assert told["runs"] == -(-told["to_ask"] // told["detail_calls_per_run"])
        words = f"customers: {told['to_ask']:,} left, "
        assert words in run("reminders", "preview", connection_id).stdout
        assert words in run("status").stdout

    def test_a_preview_changes_nothing(self, synced: Bench, connection_id: str) -> None:
        before = reminders(synced), synced.invoices()
        asked("reminders", "preview", connection_id, "--backlog", "latest")
        assert (reminders(synced), synced.invoices()) == before

    def test_preview_counts_both_backlog_choices_whichever_is_shown(self, connection_id: str) -> None:
        without = asked("reminders", "preview", connection_id)
        latest = asked("reminders", "preview", connection_id, "--backlog", "latest")
        assert without["backlog_counts"] == latest["backlog_counts"]
        more = stage(latest, "to_come")["invoices"] - stage(without, "to_come")["invoices"]
        assert more == without["backlog_counts"]["none"]["before_opening"] > 0
        assert without["backlog_counts"]["latest"]["invoices"] >= more

    def test_calls_are_grouped_by_number_and_name_their_doubts(self, connection_id: str) -> None:
        told = asked("reminders", "preview", connection_id, "--limit", "1000")
        assert len(told["calls"]) == told["calls_on_first_day"] == len({call["phone"] for call in told["calls"]}) > 0
        assert any("are not read yet" in doubt for call in told["calls"] for doubt in call["doubts"])

    def test_people_see_the_funnel_the_calls_and_the_next_step(self, connection_id: str) -> None:
        result = run("reminders", "preview", connection_id)
        assert result.exit_code == 0
        for words in ("open invoices", "may be asked for", "Tomorrow, ", "--backlog latest"):
            assert words in result.output
        assert f"Next: booksync reminders open {connection_id}" in result.output


class TestOpening:
    def test_a_new_connection_is_closed_and_status_reports_it(self, synced: Bench, connection_id: str) -> None:
        told = asked("status", connection_id)["connections"][0]
        assert (told["handover"], told["opened_at"]) == (Handover.CLOSED, None)
        waiting = synced.rows("SELECT count(DISTINCT phone) AS n FROM reminders WHERE status = 'scheduled'")[0]["n"]
        assert told["waiting_calls"] == waiting > 0
        line = f"Handover is closed; {waiting:,} calls wait. Next: booksync reminders preview {connection_id}"
        assert line in run("status", connection_id).output

    def test_opening_replans_as_the_preview_has_reported(self, synced: Bench, connection_id: str) -> None:
        promised = asked("reminders", "preview", connection_id, "--backlog", "latest")
        opened = asked("reminders", "open", connection_id, "--backlog", "latest")
        assert (opened["handover"], opened["backlog"]) == (Handover.OPEN, Backlog.LATEST)
        planned = synced.rows("SELECT count(*) AS n FROM invoices_cache WHERE plan_outcome = 'scheduled'")[0]["n"]
        assert planned == stage(promised, "to_come")["invoices"]
        assert synced.rows("SELECT id FROM invoices_cache WHERE plan_at <= now()") == []

    def test_closing_only_stops_the_handover(self, synced: Bench, connection_id: str) -> None:
        asked("reminders", "open", connection_id)
        before = reminders(synced)
        closed = asked("reminders", "close", connection_id)
        assert closed["handover"] == Handover.CLOSED
        assert reminders(synced) == before


class TestReport:
    def test_a_person_may_report_and_correct_an_outcome(self, synced: Bench) -> None:
        handover, invoice = hand_over_one(synced)
        recorded = asked("reminders", "report", handover, "disputed", "--note", "goods returned")
        assert recorded == {"handover_id": handover, "outcome": "disputed", "reminders": 1}
        assert "disputed" in [each["reason"] for each in asked("explain", invoice)["objections"]]
        asked("reminders", "report", handover, "reached")
        assert asked("explain", invoice)["objections"] == []
        sent = [each for each in asked("explain", invoice)["reminders"] if each["status"] == "sent"]
        assert [(each["handover_id"], each["outcome"]) for each in sent] == [(handover, "reached")]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("promised",), "A promise needs the day until which it holds"),
            (("reached", "--reminder", "00000000-0000-4000-8000-000000000000"), "holds no such reminder"),
        ],
    )
    def test_an_incomplete_report_is_refused(self, synced: Bench, words: tuple[str, ...], sentence: str) -> None:
        handover, _ = hand_over_one(synced)
        result = run("reminders", "report", handover, *words)
        assert result.exit_code == 2
        assert sentence in " ".join(result.output.split())
        assert synced.rows("SELECT * FROM booksync.handover_outcomes") == []


def hand_over_one(bench: Bench) -> tuple[str, str]:
    """Marks one reminder as just handed over; returns the ids of the handover and the invoice."""
    handed_over = bench.rows("""
        WITH chosen AS (
            SELECT reminder.id, reminder.phone, reminder.invoice_id, invoice.user_id, invoice.connection_id
              FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
             WHERE reminder.status = 'scheduled' ORDER BY reminder.id LIMIT 1
        ), handover AS (
            INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at)
            SELECT user_id, connection_id, phone, current_date, now() FROM chosen RETURNING id
        )
        UPDATE reminders SET status = 'sent', handover_id = handover.id
          FROM chosen, handover WHERE reminders.id = chosen.id
        RETURNING handover.id AS handover_id, reminders.invoice_id
    """)[0]
    return str(handed_over["handover_id"]), str(handed_over["invoice_id"])


class TestDoNotCall:
    def test_a_listed_number_gets_no_reminder_until_it_is_removed(self, synced: Bench) -> None:
        phone = synced.rows("SELECT phone FROM reminders WHERE status = 'scheduled' ORDER BY phone LIMIT 1")[0]["phone"]
        assert asked("do-not-call", "add", phone, "--note", "asked us to stop")["added"] is True
        assert asked("do-not-call", "add", phone)["added"] is False
        synced.sync()
        pending = "SELECT count(*) AS n FROM reminders WHERE status = 'scheduled' AND phone = %(phone)s"
        assert synced.rows(pending, phone=phone)[0]["n"] == 0
        assert [each["phone"] for each in asked("do-not-call", "list")["numbers"]] == [phone]
        assert asked("do-not-call", "remove", phone)["removed"] is True
        synced.sync()
        assert synced.rows(pending, phone=phone)[0]["n"] > 0

    @pytest.mark.usefixtures("synced")
    def test_a_number_without_its_country_prefix_is_refused(self) -> None:
        result = run("do-not-call", "add", "020 7031 3000")
        assert result.exit_code == 2
        assert "Write it with its country prefix" in " ".join(result.output.split())


@pytest.mark.slow
class TestSwitchesThatWereOff:
    def test_reminders_of_an_invoice_resume_when_they_are_switched_on_in_zoho(self, synced: Bench) -> None:
        invoice: str = synced.rows("""
            SELECT zoho_invoice_id FROM invoices_cache WHERE plan_outcome = 'scheduled' ORDER BY balance DESC LIMIT 1
        """)[0]["zoho_invoice_id"]
        # A minute before the next edit, because two versions of the same second look the same.
        stopped = ask.InvoiceFields(payment_reminder_enabled=False)
        a_minute_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
        synced.zoho.mutate(ask.EditInvoice(at=a_minute_ago, invoice_id=int(invoice), fields=stopped))
        synced.sync()
        bring_forward(synced, invoice)
        synced.sync(is_scheduled=True)
        assert outcome_of(synced, invoice) == "invoice_reminders_off"
        synced.zoho.edit_invoice(invoice, payment_reminder_enabled=True)
        synced.sync(is_scheduled=True)
        assert outcome_of(synced, invoice) == "scheduled"


def bring_forward(bench: Bench, invoice: str) -> None:
    """Makes the invoice's reminder due within a day, so that its details are read."""
    bench.rows(
        """
        UPDATE reminders SET scheduled_at = now() + interval '1 hour', closes_at = now() + interval '2 hours'
          FROM invoices_cache AS invoice
         WHERE invoice.id = invoice_id AND zoho_invoice_id = %(id)s AND reminders.status = 'scheduled'
        RETURNING reminders.id
        """,
        id=invoice,
    )


def outcome_of(bench: Bench, invoice: str) -> str | None:
    found: str | None = bench.invoices()[invoice]["plan_outcome"]
    return found
