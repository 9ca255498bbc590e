"""`booksync explain`, `booksync reminders` and `booksync policy`: their output and their changes."""

import json
import sys
import uuid
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.integration.chain.bench import Bench, Row
from tests.integration.clock import zone_at_noon
from workers.cli import app as cli
from workers.cli.app import app, main
from workers.cli.explain import NoSuchInvoiceError


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def asked(*words: str) -> dict[str, Any]:
    """The command's JSON output; a command that fails fails the test."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout.splitlines()[-1])
    assert isinstance(told, dict)
    return told


def store(bench: Bench, rules: str) -> None:
    """Stores rules as another release might have done."""
    bench.rows(
        """
        INSERT INTO booksync.reminder_policies (connection_id, rules)
        VALUES (%(id)s, %(rules)s::jsonb) RETURNING connection_id
        """,
        id=bench.connection_id,
        rules=rules,
    )


@pytest.fixture
def scheduled(synced: Bench) -> Row:
    """An invoice with a scheduled reminder."""
    return synced.rows("SELECT * FROM invoices_cache WHERE plan_outcome = 'scheduled' ORDER BY zoho_invoice_id")[0]


class TestExplain:
    @pytest.mark.parametrize("column", ["invoice_number", "zoho_invoice_id", "id"])
    def test_an_invoice_is_found_by_its_number_and_its_ids(self, scheduled: Row, column: str) -> None:
        told = asked("explain", str(scheduled[column]))
        assert told["invoice"]["zoho_invoice_id"] == scheduled["zoho_invoice_id"]
        assert told["outcome"] == "scheduled"
        assert told["next"]["step"] == min(r["step"] for r in told["reminders"] if r["status"] == "scheduled")

    def test_people_read_sentences(self, scheduled: Row) -> None:
        result = run("explain", scheduled["invoice_number"])
        assert result.exit_code == 0
        assert f"• Invoice {scheduled['invoice_number']} is " in result.stdout
        assert "this number is used" in result.stdout
        assert "The next reminder is step" in result.stdout

    @pytest.mark.slow
    def test_every_invoice_has_an_explanation(self, synced: Bench) -> None:
        for zoho_id, row in sorted(synced.invoices().items())[:60]:
            told = asked("explain", zoho_id)
            assert told["outcome"] == (row["plan_outcome"] or "not_open")
            assert len(told["reasons"]) >= 2

    @pytest.mark.slow
    def test_a_waiting_invoice_is_explained_too(self, bench: Bench) -> None:
        invoice = bench.zoho.snapshot()["invoices"][0]
        bench.sync()
        bench.rows(
            """
            INSERT INTO booksync.waiting_invoices (
                user_id, connection_id, zoho_invoice_id, zoho_customer_id, reason, is_open,
                   invoice, observed_at)
            SELECT user_id, id, '999', '1', 'customer_gone', true,
                   '{"invoice_id": "999", "customer_id": "1", "number": "INV-X", "status": "sent", "date": null,
                     "due_date": "2026-04-01", "total": "5", "balance": "5", "currency_code": "EUR",
                     "modified_at": null}', now()
              FROM booksync.zoho_connections RETURNING id
            """
        )
        assert invoice["invoice_id"] != "999"
        told = asked("explain", "INV-X")
        assert (told["outcome"], told["customer"]) == ("customer_missing", None)
        skipped = asked("reminders", "skipped", "--reason", "customer_missing")["connections"][0]
        assert [found["number"] for found in skipped["invoices"]] == ["INV-X"]

    def test_an_invoice_number_is_found_in_any_case_and_with_blanks(self, synced: Bench, scheduled: Row) -> None:
        synced.rows(
            "UPDATE invoices_cache SET invoice_number = ' Rechnung-7 ' WHERE id = %(id)s RETURNING id",
            id=scheduled["id"],
        )
        assert asked("explain", " rechnung-7")["invoice"]["id"] == str(scheduled["id"])

    def test_an_invoice_without_a_customer_is_explained_too(self, synced: Bench, scheduled: Row) -> None:
        with synced.resources.engine.begin() as db:
            db.exec_driver_sql("ALTER TABLE invoices_cache ALTER customer_id DROP NOT NULL")
        synced.rows(
            "UPDATE invoices_cache SET customer_id = NULL WHERE id = %(id)s RETURNING id",
            id=scheduled["id"],
        )
        told = asked("explain", str(scheduled["id"]))
        assert (told["outcome"], told["customer"]) == ("customer_missing", None)
        missing = asked("reminders", "skipped", "--reason", "customer_missing")["connections"][0]
        assert [found["zoho_invoice_id"] for found in missing["invoices"]] == [scheduled["zoho_invoice_id"]]

    def test_an_invoice_of_the_legacy_application_is_reported_as_such(self, synced: Bench, scheduled: Row) -> None:
        synced.rows(
            "UPDATE invoices_cache SET connection_id = NULL WHERE id = %(id)s RETURNING id",
            id=scheduled["id"],
        )
        refused = run("explain", scheduled["invoice_number"])
        assert isinstance(refused.exception, NoSuchInvoiceError)
        assert "only by the legacy application" in str(refused.exception)

    @pytest.mark.usefixtures("synced")
    def test_an_unknown_invoice_is_reported(self) -> None:
        assert isinstance(run("explain", "INV-NONE").exception, NoSuchInvoiceError)

    @pytest.mark.slow
    def test_one_of_several_invoices_must_be_chosen(self, synced: Bench, scheduled: Row) -> None:
        other = Bench.connected(synced.resources, synced.zoho)
        other.sync()
        refused = run("explain", scheduled["zoho_invoice_id"])
        assert isinstance(refused.exception, NoSuchInvoiceError)
        assert str(other.connection_id) in str(refused.exception)
        told = asked("explain", scheduled["zoho_invoice_id"], "--connection", str(other.connection_id))
        assert told["connection_id"] == str(other.connection_id)


class TestReminders:
    @pytest.mark.slow
    def test_invoices_without_a_reminder_are_counted_and_listed_by_reason(self, synced: Bench) -> None:
        (whole,) = asked("reminders", "skipped", str(synced.connection_id), "--limit", "1000")["connections"]
        assert whole["skipped"]
        assert len(whole["invoices"]) == sum(whole["skipped"].values())
        for reason, count in whole["skipped"].items():
            (part,) = asked("reminders", "skipped", "--reason", reason, "--limit", "1000")["connections"]
            assert {invoice["reason"] for invoice in part["invoices"]} == {reason}
            assert len(part["invoices"]) == count
            assert reason in run("reminders", "skipped").stdout

    @pytest.mark.usefixtures("synced")
    def test_an_unknown_reason_is_wrong_usage(self) -> None:
        assert run("reminders", "skipped", "--reason", "weather").exit_code == 2

    @pytest.mark.slow
    def test_due_reminders_are_shown_with_the_reason_that_holds_them_back(self, synced: Bench) -> None:
        assert asked("reminders", "due")["due"] == []
        assert "No reminder is due." in run("reminders", "due").stdout
        synced.open()
        every_day = ("--weekdays", "mon,tue,wed,thu,fri,sat,sun", "--no-skip-holidays")
        asked("policy", "set", str(synced.connection_id), *every_day)
        # A due reminder, about noon, of a customer whose details were never read.
        synced.rows(
            """
            UPDATE reminders SET scheduled_at = now() - interval '1 minute', closes_at = now() + interval '1 hour'
             WHERE id = (SELECT id FROM reminders WHERE status = 'scheduled' ORDER BY id LIMIT 1) RETURNING id
            """
        )
        synced.rows(
            "UPDATE booksync.customers_cache SET time_zones = ARRAY[%(zone)s] RETURNING id", zone=zone_at_noon()
        )
        told = asked("reminders", "due", str(synced.connection_id))
        assert (len(told["due"]), told["ready"]) == (1, 0)
        assert told["due"][0]["held_back"] == "switch_unknown"
        assert "have not been read yet" in run("reminders", "due").stdout
        for table in ("booksync.customers_cache", "invoices_cache"):
            synced.rows(f"UPDATE {table} SET asked_version = coalesce(zoho_last_modified_at, 'epoch') RETURNING id")
        assert asked("reminders", "due")["ready"] == 1
        assert "can be claimed" in run("reminders", "due").stdout


class TestPolicy:
    def test_the_rules_are_shown(self, bench: Bench) -> None:
        told = asked("policy", "show", str(bench.connection_id))
        assert told["policy"]["steps"] == [-3, 0, 3, 7, 14, 30]
        assert "days from the due date" in run("policy", "show", str(bench.connection_id)).stdout

    def test_a_change_applies_to_scheduled_reminders_at_once(self, synced: Bench) -> None:
        words = ("--steps=-1,5", "--time", "11:30", "--weekdays", "mon,tue,wed,thu,fri,sat,sun", "--no-skip-holidays")
        told = asked("policy", "set", str(synced.connection_id), *words)
        assert told["policy"]["steps"] == [-1, 5]
        assert (told["policy"]["usual_time"], told["policy"]["skip_holidays"]) == ("11:30", False)
        assert told["replanned"] > 0
        pending = synced.rows("SELECT DISTINCT step FROM reminders WHERE status = 'scheduled'")
        assert {row["step"] for row in pending} <= {-1, 5}
        assert synced.rows("SELECT id FROM invoices_cache WHERE plan_at <= now()") == []

    def test_rules_that_are_not_named_stay(self, bench: Bench) -> None:
        connection_id = str(bench.connection_id)
        asked("policy", "set", connection_id, "--most-steps", "2")
        told = asked("policy", "set", connection_id, "--contacts-a-day", "3", "--stale-after", "60")
        assert (told["policy"]["most_steps"], told["policy"]["contacts_a_day"]) == (2, 3)
        assert asked("policy", "set", connection_id, "--most-steps", "0")["policy"]["most_steps"] is None
        assert asked("policy", "set", connection_id, "--defaults")["policy"]["contacts_a_day"] == 1

    def test_numbers_that_are_not_called_are_named_and_can_be_allowed_again(self, bench: Bench) -> None:
        connection_id = str(bench.connection_id)
        told = asked("policy", "set", connection_id, "--kinds-not-called", "voip, pager", "--shared-number", "25")
        rules = told["policy"]
        assert (rules["kinds_not_called"], rules["shared_number_customers"]) == (["voip", "pager"], 25)
        rules = asked("policy", "set", connection_id, "--kinds-not-called", "", "--shared-number", "0")["policy"]
        assert (rules["kinds_not_called"], rules["shared_number_customers"]) == ([], 0)

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("--kinds-not-called", "premium"),
            ("--shared-number", "1"),
            ("--steps", "3,1"),
            ("--steps", "soon"),
            ("--time", "22:00"),
            ("--opens", "late"),
            ("--weekdays", "someday"),
            ("--weekdays", "monkey"),
            ("--weekdays", ""),
            ("--steps", ""),
            ("--opens", "09:00:30"),
            ("--contacts-a-day", "0"),
            ("--contacts-a-day", "3000000000"),
            ("--stale-after", "0"),
        ],
    )
    def test_contradictory_rules_are_wrong_usage_and_change_nothing(self, bench: Bench, words: tuple[str, ...]) -> None:
        before = asked("policy", "show", str(bench.connection_id))
        assert run("policy", "set", str(bench.connection_id), *words).exit_code == 2
        assert asked("policy", "show", str(bench.connection_id)) == before

    def test_an_empty_list_of_steps_is_refused_with_a_sentence(self, bench: Bench) -> None:
        assert "at least one step" in run("policy", "set", str(bench.connection_id), "--steps=").output

    def test_a_rule_of_a_newer_release_is_ignored(self, synced: Bench, scheduled: Row) -> None:
        store(synced, '{"steps": [0, 9], "colour": "red"}')
        assert asked("policy", "show", str(synced.connection_id))["policy"]["steps"] == [0, 9]
        assert asked("explain", str(scheduled["id"]))["invoice"]["number"] == scheduled["invoice_number"]
        told = asked("policy", "set", str(synced.connection_id), "--most-steps", "4")
        assert told["policy"]["steps"] == [0, 9]

    def test_a_stored_rule_that_cannot_be_understood_is_reported(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store(bench, '{"steps": "soon"}')
        monkeypatch.setattr(cli, "_set_up_logs", lambda: None)
        monkeypatch.setattr(sys, "argv", ["booksync", "policy", "show", str(bench.connection_id)])
        with pytest.raises(SystemExit, match="1"):
            main()
        assert "booksync: The rule steps cannot be understood" in capsys.readouterr().err
        assert asked("policy", "set", str(bench.connection_id), "--defaults")["policy"]["steps"][0] == -3

    @pytest.mark.usefixtures("bench")
    def test_an_unknown_connection_is_reported(self) -> None:
        assert "no connection" in str(run("policy", "show", str(uuid.uuid4())).exception)
