"""Floods of webhooks, and the run that reads the waiting records."""

import uuid
from collections.abc import Sequence

from domain.entities import CUSTOMER
from domain.floods import FLOOD
from sandbox.zoho.commands import ContactFields, EditContact
from tests.integration.webhooks.hooks import Hooks
from workers.scheduler import tick

#: More records than the threshold of a flood.
MANY = FLOOD + 10


def contact_ids(hooks: Hooks, count: int) -> Sequence[str]:
    """The ids of customers with persons."""
    return [
        str(contact["contact_id"])
        for contact in hooks.bench.zoho.snapshot()["contacts"]
        if contact["contact_type"] == "customer" and contact["contact_persons"]
    ][:count]


def invoice_ids(hooks: Hooks, count: int) -> Sequence[str]:
    return [str(invoice["invoice_id"]) for invoice in hooks.bench.zoho.snapshot()["invoices"][:count]]


def person_id(hooks: Hooks, contact_id: str) -> str:
    return str(hooks.record(CUSTOMER, contact_id)["contact_persons"][0]["contact_person_id"])


def mass_edit(hooks: Hooks, contacts: Sequence[str]) -> None:
    """Edits each contact, and sends a webhook for each change.

    Each edit gives another name: an equal row of the same second would not be written again.
    """
    hooks.bench.zoho.mutate(
        *(
            EditContact(contact_id=int(contact_id), fields=ContactFields(contact_name=f"Renamed {uuid.uuid4()}"))
            for contact_id in contacts
        )
    )
    hooks.tell_all(CUSTOMER, contacts)


def quiet_comes(hooks: Hooks) -> None:
    """Moves the last event into the past, so the webhooks count as quiet."""
    hooks.bench.rows(
        "UPDATE booksync.webhook_events SET received_at = received_at - interval '10 seconds' RETURNING id"
    )
    hooks.bench.rows(
        "UPDATE booksync.refreshes SET waiting_since = waiting_since - interval '10 seconds' RETURNING record_id"
    )


def a_minute_passes(hooks: Hooks) -> None:
    """Moves the last flood run a minute into the past."""
    hooks.bench.rows("""
        UPDATE booksync.scheduler_marks SET marked_at = marked_at - interval '1 minute'
         WHERE starts_with(name, 'flood') RETURNING name
    """)


def run_that_is_due(hooks: Hooks, *, ends: str = "succeeded") -> str | None:
    """Lets the scheduler start a run and processes it to its end; returns the run's mode, None if no run is due."""
    tick(hooks.bench.resources)
    if hooks.bench.present_step() is None:
        return None
    take_run(hooks)
    (run,) = hooks.bench.rows("SELECT mode, status FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1")
    assert run["status"] == ends
    return str(run["mode"])


def take_run(hooks: Hooks) -> None:
    """Processes the run to its end as an unscheduled run, which reads no details ahead of a handover."""
    hooks.bench.rows("UPDATE booksync.sync_runs SET is_scheduled = false WHERE status = 'running' RETURNING id")
    while (step := hooks.bench.present_step()) is not None:
        hooks.bench.skip_waiting()
        hooks.bench.take(step)


def waiting(hooks: Hooks) -> int:
    return len(hooks.bench.rows("SELECT record_id FROM booksync.refreshes WHERE received > handled"))
