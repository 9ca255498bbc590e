"""Many records are gone at once: the safeguard marks none beyond its limit, but each one's reminders are cancelled."""

from domain.deletions import BRAKE_COUNT
from domain.opening import Backlog
from domain.runs import Mode
from domain.webhooks import Outcome
from tests.integration.chain.bench import Bench
from tests.integration.webhooks.hooks import INVOICE, Hooks

#: More than the safeguard marks, fewer than a flood.
MANY = 24


def reminded(bench: Bench) -> set[str]:
    """Invoices with a reminder to come."""
    found = bench.rows(
        "SELECT DISTINCT zoho_invoice_id FROM reminders JOIN invoices_cache ON invoices_cache.id = invoice_id "
        "WHERE reminders.status = 'scheduled'"
    )
    return {row["zoho_invoice_id"] for row in found}


def delete_many(hooks: Hooks) -> set[str]:
    """Invoices with a reminder to come that Zoho no longer has."""
    hooks.bench.open(Backlog.LATEST)
    hooks.bench.sync()
    ids = set(sorted(reminded(hooks.bench))[:MANY])
    assert len(ids) == MANY
    for invoice_id in ids:
        hooks.bench.zoho.delete_invoice(invoice_id)
    return ids


def test_none_that_webhooks_have_shown_to_be_gone_stays_reminded(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    for invoice_id in ids:
        hooks.tell(INVOICE, invoice_id)
    hooks.work()
    assert reminded(hooks.bench) & ids == set()
    assert hooks.outcomes().count(Outcome.UNMARKED) == MANY - BRAKE_COUNT
    unmarked = [key for key, row in hooks.bench.invoices().items() if row["gone_at"] and row["status"] != "deleted"]
    assert len(unmarked) == MANY - BRAKE_COUNT


def test_none_that_a_run_has_found_gone_stays_reminded(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
    found = {key: row for key, row in hooks.bench.invoices().items() if row["gone_at"]}
    assert len(found) > BRAKE_COUNT
    assert found.keys() <= ids
    assert not reminded(hooks.bench) & found.keys()
    assert not [row for row in found.values() if row["status"] == "deleted"]


def test_a_run_that_may_delete_marks_them_all(hooks: Hooks) -> None:
    ids = delete_many(hooks)
    hooks.bench.sync(Mode.FULL)
    assert hooks.bench.sync(Mode.FULL, allow_deletions=True)["status"] == "succeeded"
    assert {key for key, row in hooks.bench.invoices().items() if row["status"] == "deleted"} == ids
    assert reminded(hooks.bench) & ids == set()
