"""Promises of `booksync status`: it reports webhook events that have not changed the cache."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.entities import CUSTOMER, INVOICE
from domain.runs import Mode
from domain.webhooks import EventOutcome
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.cli.app import app
from workers.zoho.entities import ZohoRecords
from workers.zoho.errors import RecordUnreadable


def status(*options: str) -> Result:
    told = CliRunner().invoke(app, ["status", *options])
    assert told.exit_code == 0, told.output
    return told


def words(told: Result) -> str:
    """The text of `status` without `--json`."""
    assert told.stderr == ""
    return " ".join(told.stdout.split())


def events() -> Any:
    (line,) = status("--json").stdout.splitlines()
    return json.loads(line)["connections"][0]["webhook_events"]


def test_status_has_no_webhook_line_if_all_events_were_applied(hooks: Hooks) -> None:
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.work()
    assert "webhooks:" not in words(status())
    assert events() == {"unmarked": 0, "unreadable": 0, "ignored": 0}


def test_with_json_the_text_goes_to_stderr(hooks: Hooks) -> None:
    told = status("--json")
    assert json.loads(told.stdout)["connections"][0]["connection_id"] == str(hooks.bench.connection_id)
    assert str(hooks.bench.connection_id) in told.stderr


def test_ignored_events_are_counted(hooks: Hooks) -> None:
    hooks.send({"estimate": {"estimate_id": "9"}})
    hooks.send({"something": "else"})
    assert "webhooks: 2 events ignored" in words(status())
    assert events()["ignored"] == 2


def test_events_of_unreadable_records_are_counted(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise RecordUnreadable("GET /contacts/1", detail="contact_name is missing")

    monkeypatch.setattr(ZohoRecords, "record", unreadable)
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.work()
    assert "webhooks: 1 event of a record that could not be understood" in words(status())


@pytest.mark.slow
def test_held_deletions_stay_in_status_after_further_runs(hooks: Hooks) -> None:
    invoices = [str(invoice["invoice_id"]) for invoice in hooks.bench.zoho.snapshot()["invoices"][:13]]
    for invoice_id in invoices:
        hooks.bench.zoho.delete_invoice(invoice_id)
        hooks.tell(INVOICE, invoice_id)
        hooks.work()
    assert hooks.outcomes().count(EventOutcome.UNMARKED) == 3
    for mode in (Mode.INCREMENTAL, Mode.FULL):
        assert hooks.bench.sync(mode)["status"] == "succeeded"
        assert "3 invoices have been held back from being marked deleted since" in words(status())
        assert f"Next: booksync deletions list {hooks.bench.connection_id}" in words(status())


def test_a_connection_parked_by_a_webhook_shows_the_reason_and_the_dead_letter(hooks: Hooks) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.work()
    told = words(status())
    assert "parked" in told
    assert "code 6041" in told
    assert "1 dead letter waits for a decision" in told
