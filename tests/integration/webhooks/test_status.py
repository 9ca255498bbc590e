"""What `booksync status` tells of webhook events that have changed nothing in the cache."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.runs import Mode
from domain.webhooks import Outcome
from sandbox.zoho.commands import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import CONTACT, INVOICE, Hooks, a_contact_id
from workers.cli.app import app
from workers.zoho import ZohoContactsClient
from workers.zoho.errors import RecordUnreadable


def status(*options: str) -> Result:
    told = CliRunner().invoke(app, ["status", *options])
    assert told.exit_code == 0, told.output
    return told


def words(told: Result) -> str:
    """The answer, where stdout is not for the object."""
    assert told.stderr == ""
    return " ".join(told.stdout.split())


def events() -> Any:
    (line,) = status("--json").stdout.splitlines()
    return json.loads(line)["connections"][0]["webhook_events"]


def test_nothing_is_said_where_nothing_is_left(hooks: Hooks) -> None:
    hooks.tell(CONTACT, a_contact_id(hooks))
    hooks.work()
    assert "webhooks:" not in words(status())
    assert events() == {"unmarked": 0, "unreadable": 0, "ignored": 0}


def test_where_stdout_is_for_the_object_the_words_are_beside_it(hooks: Hooks) -> None:
    told = status("--json")
    assert json.loads(told.stdout)["connections"][0]["connection_id"] == str(hooks.bench.connection_id)
    assert str(hooks.bench.connection_id) in told.stderr


def test_what_was_ignored_is_told(hooks: Hooks) -> None:
    hooks.send({"estimate": {"estimate_id": "9"}})
    hooks.send({"something": "else"})
    assert "webhooks: 2 events ignored" in words(status())
    assert events()["ignored"] == 2


def test_so_is_what_could_not_be_understood(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: ZohoContactsClient, __: str) -> None:
        raise RecordUnreadable("GET /contacts/1", detail="contact_name is missing")

    monkeypatch.setattr(ZohoContactsClient, "get_contact_by_id", unreadable)
    hooks.tell(CONTACT, a_contact_id(hooks))
    hooks.work()
    assert "webhooks: 1 event of a record that could not be understood" in words(status())


def test_held_deletions_are_a_standing_state_whatever_runs_come_after(hooks: Hooks) -> None:
    invoices = [str(invoice["invoice_id"]) for invoice in hooks.bench.zoho.snapshot()["invoices"][:13]]
    for invoice_id in invoices:
        hooks.bench.zoho.delete_invoice(invoice_id)
        hooks.tell(INVOICE, invoice_id)
        hooks.work()
    assert hooks.outcomes().count(Outcome.UNMARKED) == 3
    for mode in (Mode.INCREMENTAL, Mode.FULL):
        assert hooks.bench.sync(mode)["status"] == "succeeded"
        assert "3 invoices have been held back from being marked deleted since" in words(status())
        assert f"Next: booksync deletions list {hooks.bench.connection_id}" in words(status())


def test_a_connection_that_a_webhook_has_parked_says_why_and_that_a_letter_waits(hooks: Hooks) -> None:
    hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
    hooks.tell(CONTACT, a_contact_id(hooks))
    hooks.work()
    told = words(status())
    assert "parked" in told
    assert "code 6041" in told
    assert "1 dead letter waits for a decision" in told
