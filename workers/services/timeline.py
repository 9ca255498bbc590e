"""The line in time of an invoice's reminders: its dates, the steps of its policy, and what came of each step."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from db.explanations import ReminderStory, Story
from domain.reminders.permission import held_until
from domain.reminders.plan_changes import ReminderStatus
from workers.services.reasons import BECAME, local_time


class MomentKind(StrEnum):
    """How a moment of the line is shown. The text is a word for people."""

    DATE = "date"  #: a date of the invoice
    NOW = "now"
    HANDED_OVER = "handed over"
    PLANNED = "planned"
    HELD_BACK = "held back"  #: due, but not handed over
    DROPPED = "dropped"  #: cancelled or superseded
    NOT_PLANNED = "not planned"


@dataclass(frozen=True, slots=True)
class LineMoment:
    """One moment of the line. `shown` is its local time, or only its date."""

    at: dt.datetime
    shown: str
    kind: MomentKind
    title: str
    details: tuple[str, ...] = field(default=(), repr=False)


def timeline(story: Story, zone: ZoneInfo) -> list[LineMoment]:
    """Return the moments of an invoice in the order of time, on the clock of `zone`.

    Steps of the policy without a reminder are part of the line while the invoice is open.
    """
    moments = [*_dates(story, zone), *(_step(reminder, zone) for reminder in story.reminders), *_gaps(story, zone)]
    moments.append(LineMoment(story.now, local_time(story.now, zone), MomentKind.NOW, "Now"))
    return sorted(moments, key=lambda moment: moment.at)


def _dates(story: Story, zone: ZoneInfo) -> Iterator[LineMoment]:
    invoice = story.invoice
    if invoice.date is not None:
        yield _day(invoice.date, zone, MomentKind.DATE, "Invoice date")
    if invoice.due_date is not None:
        yield _day(invoice.due_date, zone, MomentKind.DATE, "Due date")
    if (expected := held_until(invoice)) is not None:
        yield _day(expected, zone, MomentKind.DATE, "Payment expected")


def _gaps(story: Story, zone: ZoneInfo) -> Iterator[LineMoment]:
    """Yield the steps of the policy that have no reminder."""
    due = story.invoice.due_date
    if due is None or not story.invoice.may_be_owed:
        return
    known = {reminder.step for reminder in story.reminders}
    for step in story.policy.steps:
        if step not in known and abs((dt.date.max - due).days) > abs(step):
            yield _day(due + dt.timedelta(days=step), zone, MomentKind.NOT_PLANNED, f"Step {step:+d}")


def _day(day: dt.date, zone: ZoneInfo, kind: MomentKind, title: str) -> LineMoment:
    midnight = dt.datetime.combine(day, dt.time.min, tzinfo=zone)
    return LineMoment(midnight, f"{day:%a} {day.isoformat()}", kind, title)


def _step(reminder: ReminderStory, zone: ZoneInfo) -> LineMoment:
    kind, details = _state(reminder, zone)
    return LineMoment(
        reminder.scheduled_at, local_time(reminder.scheduled_at, zone), kind, f"Step {reminder.step:+d}", details
    )


def _state(reminder: ReminderStory, zone: ZoneInfo) -> tuple[MomentKind, tuple[str, ...]]:
    if not reminder.is_ours:
        return MomentKind.PLANNED, ("The legacy application sends it.",)
    if reminder.status == ReminderStatus.SCHEDULED:
        if reminder.held_back is not None:
            return MomentKind.HELD_BACK, (reminder.held_back.sentence,)
        return MomentKind.PLANNED, ("It is due.",) if reminder.is_due else ()
    if reminder.status == ReminderStatus.SENT:
        return MomentKind.HANDED_OVER, tuple(_after_the_handover(reminder, zone))
    return MomentKind.DROPPED, (f"It was {BECAME.get(reminder.status, reminder.status)}.",)


def _after_the_handover(reminder: ReminderStory, zone: ZoneInfo) -> Iterator[str]:
    if reminder.handed_over_at is not None:
        yield f"Handed over on {local_time(reminder.handed_over_at, zone)}."
    if reminder.posted_at is not None:
        yield f"The webhook's receiver accepted it on {local_time(reminder.posted_at, zone)}."
    elif reminder.post_problem:
        again = "it is posted again" if reminder.post_at else "it is not posted again"
        yield f"Not received: {reminder.post_problem}; {again}."
    if reminder.outcome is None:
        yield "No outcome is reported."
        return
    until = f" until {reminder.until}" if reminder.until else ""
    at = f", reported on {local_time(reminder.reported_at, zone)}" if reminder.reported_at else ""
    yield f"Outcome: {reminder.outcome.replace('_', ' ')}{until}{at}."
    if reminder.note:
        yield f"Note: {reminder.note}"
