"""Promises of services/timeline.py: the line has every step in the order of time, with its outcome."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from domain.reminders.hand_over import HoldReason
from tests.builders import an_invoice
from tests.unit.workers.services.stories import AN_ID, STEP_AT, a_case, a_customer_story, a_reminder, a_story
from workers.services.timeline import LineMoment, MomentKind, timeline

LONDON = ZoneInfo("Europe/London")


def shown(*moments: LineMoment) -> list[tuple[str, str, MomentKind]]:
    return [(moment.title, moment.shown, moment.kind) for moment in moments]


def test_the_line_has_the_dates_the_steps_and_the_present_in_order() -> None:
    line = timeline(a_story(a_reminder(0), customer=a_customer_story(), case=a_case()), LONDON)
    assert shown(*line) == [
        ("Invoice date", "Mon 2026-03-02", MomentKind.DATE),
        ("Step -3", "Sun 2026-03-29", MomentKind.NOT_PLANNED),
        ("Due date", "Wed 2026-04-01", MomentKind.DATE),
        ("Now", "Wed 2026-04-01 00:30", MomentKind.NOW),
        ("Step +0", "Wed 2026-04-01 10:00", MomentKind.PLANNED),
        ("Step +3", "Sat 2026-04-04", MomentKind.NOT_PLANNED),
        ("Step +7", "Wed 2026-04-08", MomentKind.NOT_PLANNED),
        ("Step +14", "Wed 2026-04-15", MomentKind.NOT_PLANNED),
        ("Step +30", "Fri 2026-05-01", MomentKind.NOT_PLANNED),
    ]


def test_a_paid_invoice_has_no_gaps() -> None:
    line = timeline(a_story(invoice=an_invoice(status="paid", balance="0")), LONDON)
    assert [moment.kind for moment in line if moment.kind is MomentKind.NOT_PLANNED] == []


def test_an_invoice_due_at_the_end_of_the_calendar_has_a_line() -> None:
    line = timeline(a_story(invoice=an_invoice(due_date=dt.date.max)), ZoneInfo("America/Los_Angeles"))
    assert [moment.title for moment in line][-1] == "Due date"


def test_each_step_shows_its_outcome() -> None:
    sent = a_reminder(status="sent", handover_id=AN_ID, handed_over_at=STEP_AT)
    cases = [
        (a_reminder(is_due=True), MomentKind.PLANNED, ("It is due.",)),
        (
            a_reminder(is_due=True, held_back=HoldReason.CONTACTED_TODAY),
            MomentKind.HELD_BACK,
            (HoldReason.CONTACTED_TODAY.sentence,),
        ),
        (a_reminder(closes_at=None), MomentKind.PLANNED, ("The legacy application sends it.",)),
        (
            a_reminder(status="cancelled"),
            MomentKind.DROPPED,
            ("It was cancelled, because its reason no longer holds.",),
        ),
        (
            sent,
            MomentKind.HANDED_OVER,
            ("Handed over on Wed 2026-04-01 10:00.", "No outcome is reported."),
        ),
        (
            replace(sent, post_problem="status 500", post_at=STEP_AT),
            MomentKind.HANDED_OVER,
            (
                "Handed over on Wed 2026-04-01 10:00.",
                "Not received: status 500; it is posted again.",
                "No outcome is reported.",
            ),
        ),
        (
            replace(sent, posted_at=STEP_AT, outcome="promised", until=dt.date(2026, 4, 9), note="payday"),
            MomentKind.HANDED_OVER,
            (
                "Handed over on Wed 2026-04-01 10:00.",
                "The webhook's receiver accepted it on Wed 2026-04-01 10:00.",
                "Outcome: promised until 2026-04-09.",
                "Note: payday",
            ),
        ),
    ]
    for reminder, kind, details in cases:
        (step,) = (each for each in timeline(a_story(reminder), LONDON) if each.title == "Step +0")
        assert (step.kind, step.details) == (kind, details)
