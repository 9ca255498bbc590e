"""Promises of the checks of connections, Zoho, runs, webhooks and reminders."""

from decimal import Decimal
from typing import Any

from tests.tables import table
from tests.unit.domain.process_rows import ago
from tests.unit.workers.services.doctor.installations import C, a_budget, a_connection, a_run
from workers.queue import Queue
from workers.services.doctor.connections import ConnectionFacts, DoubtfulNumbers, check_connections
from workers.services.doctor.findings import Finding
from workers.services.doctor.reminders import check_reminders
from workers.services.doctor.runs import WorkFacts, check_runs
from workers.services.doctor.webhooks import WebhookFacts, check_webhooks
from workers.services.doctor.zoho import check_zoho


def check(facts: ConnectionFacts) -> list[Finding]:
    """The findings of all checks of one connection."""
    return [
        *check_connections([facts]),
        *check_zoho([facts]),
        *check_runs(WorkFacts([facts])),
        *check_webhooks(WebhookFacts([facts])),
        *check_reminders([facts]),
    ]


def test_a_connection_in_order_has_no_finding() -> None:
    assert check(a_connection()) == []


def test_a_connection_without_a_run_or_redis_has_no_finding() -> None:
    never: dict[str, Any] = {
        "runs": [],
        "last_customer_sync_at": None,
        "last_invoice_sync_at": None,
        "next_sync_at": None,
    }
    assert check(a_connection(never, budget=None)) == []


def test_an_installation_without_a_connection_is_warned() -> None:
    (finding,) = check_connections([])
    assert (finding.name, finding.next_step) == ("no_connection", "booksync connect")


def test_a_parked_connection_is_reported_with_the_time_of_the_refusal() -> None:
    refused = {"status": "parked", "parked_reason": "The scopes do not suffice.", "parked_at": ago(7200)}
    (finding,) = check_connections([a_connection(refused)])
    assert finding.since == ago(7200)


OVERDUE = {"last_customer_sync_at": ago(901), "last_invoice_sync_at": ago(60), "next_sync_at": ago(1)}


@table(
    ("facts", "severity", "name", "what", "next_step"),
    [
        (
            a_connection({"status": "parked", "parked_reason": "The scopes do not suffice."}),
            "error",
            "parked",
            f"Connection {C} is parked: no sync starts",
            f"booksync resume {C}",
        ),
        (a_connection(OVERDUE), "warning", "stale", "was last synced 15 min ago", f"booksync status {C}"),
        (
            a_connection({"held_deletions": {"customers": 12, "invoices": 3, "since": ago(60)}}),
            "warning",
            "held_deletions",
            "15 deletions",
            f"booksync deletions list {C}",
        ),
        (
            a_connection(budget=a_budget(day_waits_seconds=7200, paused_reason="day", throttles=5)),
            "error",
            "day_spent",
            "The day's calls of organisation 10 are spent: its runs wait for at most 2 h",
            f"booksync budget resume {C}",
        ),
        (
            a_connection(budget=a_budget(throttles=5)),
            "warning",
            "throttled",
            "Zoho has refused 5 calls",
            "lower ZOHO_REQUESTS_PER_MINUTE",
        ),
        (
            a_connection(budget=a_budget(paused_seconds=30, paused_reason="forgotten")),
            "warning",
            "budget_forgotten",
            "pause for 30 s",
            "wait",
        ),
        (a_connection({"token_endpoint_throttled_since": ago(60)}), "warning", "tokens_throttled", C, "wait"),
        (
            a_connection(distrusted={"contacts": "the filter is not honoured, read newest first"}),
            "warning",
            "filter_ignored",
            "the list of contacts",
            "Zoho's support",
        ),
        (
            a_connection({"runs": [a_run(status="failed", reason="KeyError.")]}),
            "error",
            "run_failed",
            "has failed",
            "dead-letters",
        ),
        (a_connection({"runs": [a_run(status="degraded")]}), "warning", "run_degraded", "degraded", "dead-letters"),
        (
            a_connection({"runs": [a_run(status="running", waiting_for="a worker")]}),
            "error",
            "waits_for_worker",
            "waits for a worker",
            "dramatiq workers.main",
        ),
        (
            a_connection({"runs": [a_run(status="running", waiting_for="Postgres has no disk space left, so …")]}),
            "error",
            "postgres_disk",
            "Postgres has no disk space left",
            "free some",
        ),
        (
            a_connection({"runs": [a_run(status="running", waiting_for="another attempt", attempts=3)]}),
            "warning",
            "run_retries",
            "fails again and again",
            "the worker's log",
        ),
        (a_connection({"cached": {"rejected": 1}}), "warning", "rejected_rows", "1 rejected row", "rejected_records"),
        (
            a_connection(refused={"count": 2, "since": ago(60), "last_at": ago(5)}),
            "error",
            "webhooks_refused",
            "has refused 2 webhooks",
            f"booksync webhook show {C}",
        ),
        (
            a_connection({"webhook_events": {"unreadable": 1}}),
            "warning",
            "webhooks_unreadable",
            "1 event",
            f"booksync webhook show {C}",
        ),
        (
            a_connection({"handover": "closed", "waiting_calls": 3}),
            "warning",
            "handover_closed",
            "3 waiting calls",
            f"booksync reminders preview {C}",
        ),
        (a_connection({"calendars_that_end": {"LK": 2026}}), "warning", "calendar_ends", "LK", "holidays"),
        (a_connection({"unknown_time_zone": "X/Y"}), "warning", "time_zone_unknown", "(X/Y)", "Zoho Books"),
        (
            a_connection({"time_zone_is_known": False, "time_zone": "Z"}),
            "warning",
            "time_zone_unknown",
            "(Z)",
            "Zoho Books",
        ),
        (a_connection({"country_code": None}), "warning", "country_unknown", "organisation 10", "Zoho Books"),
        (
            a_connection({"customers_with_unknown_country": 4}),
            "warning",
            "countries_not_understood",
            "4 customers",
            f"booksync status {C}",
        ),
        (
            a_connection(doubtful=DoubtfulNumbers(2, {"GBP": Decimal("1200.5"), "EUR": Decimal(3)})),
            "warning",
            "doubtful_numbers",
            "3.00 EUR and 1,200.50 GBP are owed by 2 customers",
            f"booksync phones audit {C}",
        ),
    ],
)
def test_each_trouble_of_a_connection_is_named(
    facts: ConnectionFacts, severity: str, name: str, what: str, next_step: str
) -> None:
    (finding,) = check(facts)
    assert (finding.severity, finding.name) == (severity, name)
    assert what in finding.what
    assert next_step in finding.next_step
    assert finding.cause
    assert not finding.cause.endswith(".")


def test_a_stretched_interval_is_not_stale() -> None:
    assert check(a_connection(OVERDUE | {"next_sync_at": ago(-500)})) == []


def test_a_first_sync_is_not_stale() -> None:
    assert check(a_connection(OVERDUE | {"last_invoice_sync_at": None})) == []


def test_connections_of_one_organisation_share_the_finding_about_its_budget() -> None:
    assert len(check_zoho([a_connection(budget=a_budget(throttles=5))] * 2)) == 1


@table(
    ("messages", "seconds", "is_named"),
    [(0, 0, False), (999, 60, False), (1000, 0, True), (1, 61, True), (0, 61, False)],
)
def test_a_queue_that_piles_up_is_named(messages: int, seconds: float, is_named: bool) -> None:
    found = check_runs(WorkFacts(queues={Queue.API: (messages, seconds)}))
    assert [each.name for each in found] == ["queue_piles_up"] * is_named


def test_dead_letters_are_named() -> None:
    (finding,) = check_runs(WorkFacts(dead_letters=2))
    assert finding.what == "A person must decide about 2 dead letters"


def test_an_event_that_waits_for_long_is_named() -> None:
    assert check_webhooks(WebhookFacts(oldest_event_seconds=300)) == []
    (finding,) = check_webhooks(WebhookFacts(oldest_event_seconds=301))
    assert finding.name == "events_wait"
