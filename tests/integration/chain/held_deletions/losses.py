"""Records that Zoho loses, and their deletions that are held back."""

from typing import Any

from typer.testing import CliRunner, Result

from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_reminder_commands import asked
from tests.integration.snapshots import SYNCED, State
from workers.cli.app import app

DETAILS = (CallKind.CONTACT, CallKind.INVOICE)
MANY = 30


def lose_many(bench: Bench) -> None:
    """Deletes many invoices in Zoho. The full run after that finds them missing."""
    lose_invoices(bench, MANY)
    assert bench.sync(Mode.FULL)["status"] == "degraded"


AFTER_A_LOSS = State(lose_many, after=SYNCED)


def lose_invoices(bench: Bench, count: int) -> list[str]:
    """Deletes further invoices in Zoho and returns their ids."""
    ids = sorted(str(invoice["invoice_id"]) for invoice in bench.zoho.snapshot()["invoices"])[:count]
    for invoice_id in ids:
        bench.zoho.delete_invoice(invoice_id)
    return ids


def lose_all_customers(bench: Bench) -> None:
    """Empties the contacts list and returns 404 for every contact, as after a lost permission."""
    bench.zoho.fault(FaultName.LIST_EMPTY, kind=CallKind.CONTACTS)
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=404, code=1002)


def calls(bench: Bench) -> int:
    """Detail calls since the last reset."""
    return sum(bench.zoho.stats().count(kind) for kind in DETAILS)


def held_ids(connection_id: str, *options: str) -> set[str]:
    return {each["record_id"] for each in asked("deletions", "list", connection_id, *options)["held"]}


def live(bench: Bench, ids: list[str]) -> set[str]:
    rows = bench.invoices() | bench.customers()
    return {each for each in ids if rows[each]["status"] != "deleted"}


def decide(*words: str, reply: str) -> Result:
    return CliRunner().invoke(app, ["deletions", *words], input=reply)


def state(connection_id: str) -> dict[str, Any]:
    found: dict[str, Any] = asked("status", connection_id)["connections"][0]
    return found
