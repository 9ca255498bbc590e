"""The explanation of one invoice as the console shows it: the conclusion, the reasons, and the line in time."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from db import explanations, invoice_references
from db.explanations import Story
from db.session import Session
from domain.phones import PhoneFallback
from domain.reminders.opening import Handover
from domain.reminders.permission import SkipReason
from workers.services.explain import explanation
from workers.services.reasons import objections_to, outcome_of, sentence_of, waiting_sentence, zone_of
from workers.services.timeline import LineMoment, timeline


@dataclass(frozen=True, slots=True)
class ExplainedInvoice:
    """An invoice with the reasons why its customer is or is not reminded. It is personal data; do not log it."""

    story: Story = field(repr=False)
    reported: dict[str, Any] = field(repr=False)  #: as `booksync explain --json` prints it
    answer: str = field(repr=False)
    is_reminded: bool  #: a reminder is planned, is not held back, and no obstacle is known
    moments: list[LineMoment] = field(repr=False)
    time_zone: str  #: the zone of the moments


def explained_invoice(db: Session, invoice_id: uuid.UUID, fallback: PhoneFallback) -> ExplainedInvoice | None:
    """Return the explanation of the invoice with this booksync id; None if it is not known."""
    found = invoice_references.find_by_id(db, invoice_id)
    if found is None:
        return None
    story = explanations.story(db, found)
    reported = explanation(story, fallback)
    coming, obstacle, zone = reported["next"], _obstacle(story), zone_of(story)
    return ExplainedInvoice(
        story=story,
        reported=reported,
        answer=_answer(story, coming, obstacle),
        is_reminded=coming is not None and coming["held_back"] is None and not obstacle,
        moments=timeline(story, zone),
        time_zone=zone.key,
    )


def _answer(story: Story, coming: dict[str, Any] | None, obstacle: str) -> str:
    if coming is not None and coming["held_back"] is not None:
        since = f"{coming['local_time']} ({coming['time_zone']})"
        return f"Step {coming['step']:+d} is due since {since}, but held back: {coming['held_back'].sentence}"
    if coming is not None:
        planned = f"The next reminder is step {coming['step']:+d}, on {coming['local_time']} ({coming['time_zone']})."
        return f"{planned} {obstacle}".rstrip()
    if story.waits_for:
        return f"No reminder is planned. {waiting_sentence(story.waits_for)}"
    outcome = outcome_of(story)
    if outcome in set(SkipReason):
        return f"No reminder is planned. {sentence_of(SkipReason(outcome), story)}"
    if outcome == "not_open":
        return "No reminder is planned, because nothing is owed on the invoice."
    return "It has not been planned yet: the next run plans it."


def _obstacle(story: Story) -> str:
    """What has come up against the planned reminder since its plan, or else prevents it; "" if nothing does."""
    against = next(iter(objections_to(story)), None)
    if against is not None:
        return f"But now there is an objection: {sentence_of(against, story)}"
    if story.handover is Handover.CLOSED:
        return "But the connection is closed for handovers."
    return ""
