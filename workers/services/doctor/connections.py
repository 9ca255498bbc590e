"""Checks of the connections: none, parked, stale, deletions that wait for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from workers.budget import BudgetSnapshot
from workers.services.doctor.findings import Finding, Part, counted, error, span, warning

#: A connection is stale after this number of sync intervals without a complete sync.
_STALE_INTERVALS: Final = 3


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What is known about one connection, and its organisation's API budget."""

    state: Mapping[str, Any]  #: as `db.summary.connection_states` returns it
    now: datetime
    sync_interval_seconds: float
    budget: BudgetSnapshot | None = None  #: None while Redis is unavailable
    refused: Mapping[str, Any] = field(default_factory=dict)  #: webhooks: `db.webhook_secrets.Refusals.as_json`
    distrusted: Mapping[str, str] = field(default_factory=dict)  #: list → how Zoho did not honour the request
    doubtful: "DoubtfulNumbers | None" = None  #: None if they were not counted

    @property
    def connection_id(self) -> str:
        return str(self.state["connection_id"])

    @property
    def is_parked(self) -> bool:
        return bool(self.state["status"] == "parked")

    @property
    def is_active(self) -> bool:
        """Whether syncs start automatically."""
        return bool(self.state["status"] == "active")

    @property
    def runs(self) -> Sequence[Mapping[str, Any]]:
        """The last runs, newest first."""
        return list(self.state["runs"])


@dataclass(frozen=True, slots=True)
class DoubtfulNumbers:
    """The phone numbers that a person should check, and what their customers owe."""

    customers: int
    owed: Mapping[str, Any]  #: currency code → amount


def check_connections(connections: Sequence[ConnectionFacts]) -> list[Finding]:
    """Return the troubles of the connections themselves."""
    if not connections:
        return [
            warning(
                Part.CONNECTIONS,
                "no_connection",
                "No connection exists yet",
                cause="no user was connected to a Zoho organisation",
                next_step="booksync connect",
            )
        ]
    return [finding for each in connections for finding in (*_parked(each), *_stale(each), *_held(each))]


def _parked(facts: ConnectionFacts) -> Iterator[Finding]:
    if facts.is_parked:
        yield error(
            Part.CONNECTIONS,
            "parked",
            f"Connection {facts.connection_id} is parked: no sync starts",
            cause=str(facts.state["parked_reason"] or "Zoho refuses it").rstrip("."),
            next_step=f"booksync resume {facts.connection_id}; if Zoho still refuses it: booksync connect",
            since=facts.state["parked_at"],
        )


def _stale(facts: ConnectionFacts) -> Iterator[Finding]:
    """A connection whose newest sync is old. A run in progress may be the first one, which takes long."""
    synced = [facts.state[key] for key in ("last_customer_sync_at", "last_invoice_sync_at")]
    if not facts.is_active or None in synced:
        return
    oldest = min(synced)
    age = (facts.now - oldest).total_seconds()
    # The scheduler may have stretched the interval, because the organisation has few calls a day.
    due = facts.state["next_sync_at"]
    if age > _STALE_INTERVALS * facts.sync_interval_seconds and (due is None or due <= facts.now):
        yield warning(
            Part.CONNECTIONS,
            "stale",
            f"Connection {facts.connection_id} was last synced {span(age)} ago",
            cause="no run has read all changes since, or none was started",
            next_step=f"booksync status {facts.connection_id} shows the last runs and why they wait",
            since=oldest,
        )


def _held(facts: ConnectionFacts) -> Iterator[Finding]:
    held = facts.state["held_deletions"]
    if held["since"] is None:
        return
    records = sum(count for name, count in held.items() if name != "since")
    yield warning(
        Part.CONNECTIONS,
        "held_deletions",
        f"A person must decide about {counted(records, 'deletion')} of connection {facts.connection_id}",
        cause="suspiciously many records are missing in Zoho, so none is marked deleted",
        next_step=f"booksync deletions list {facts.connection_id}",
        since=held["since"],
    )
