"""Checks of the webhooks: refused ones, waiting events, events that could not be understood, mass edits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.floods import flood_sentence
from workers.services.doctor.connections import ConnectionFacts
from workers.services.doctor.findings import Finding, Part, counted, error, span, warning

#: A webhook event that waits longer than this is reported.
EVENT_WAIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """What is known about webhooks."""

    connections: Sequence[ConnectionFacts] = ()
    oldest_event_seconds: float = 0.0  #: the age of the oldest waiting event of active connections


def check_webhooks(facts: WebhookFacts) -> list[Finding]:
    """Return the troubles of webhooks."""
    of_connections = (
        finding for each in facts.connections for finding in (*_refused(each), *_unreadable(each), *_flood(each))
    )
    return [*of_connections, *_waiting(facts)]


def _refused(facts: ConnectionFacts) -> Iterator[Finding]:
    count = facts.refused.get("count")
    if count:
        yield error(
            Part.WEBHOOKS,
            "webhooks_refused",
            f"Connection {facts.connection_id} has refused {counted(count, 'webhook')}",
            cause="the secret in Zoho's rule is not the connection's",
            next_step=f"booksync webhook show {facts.connection_id}, and put that secret into Zoho's rule",
            since=facts.refused["since"],
        )


def _unreadable(facts: ConnectionFacts) -> Iterator[Finding]:
    count = facts.state["webhook_events"]["unreadable"]
    if count:
        yield warning(
            Part.WEBHOOKS,
            "webhooks_unreadable",
            f"{counted(count, 'event')} of connection {facts.connection_id} could not be understood",
            cause="Zoho's rule sends another body than booksync expects",
            next_step=f"compare the rule with booksync webhook show {facts.connection_id}",
        )


def _flood(facts: ConnectionFacts) -> Iterator[Finding]:
    if flood := facts.state["flood"]:
        yield warning(
            Part.WEBHOOKS,
            "flood",
            f"Many events of connection {facts.connection_id} wait",
            cause=flood_sentence(**flood).rstrip("."),
            next_step="nothing: a run reads them from the lists",
            since=flood["since"],
        )


def _waiting(facts: WebhookFacts) -> Iterator[Finding]:
    if facts.oldest_event_seconds > EVENT_WAIT_SECONDS:
        yield warning(
            Part.WEBHOOKS,
            "events_wait",
            f"A webhook event has waited for {span(facts.oldest_event_seconds)}",
            cause="no worker runs or is free, or calls to Zoho are paused",
            next_step="look at the findings about processes and Zoho; without any, start more workers",
        )
