"""The queue of due reminders as a CSV file that a spreadsheet program opens safely."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from db import connection_names
from db.hand_over import DueReminder
from db.planned_calls import PlanScope
from domain.activity import Action
from domain.time_zones import zone_named
from workers.boot.basics import Basics
from workers.services import call_queue
from workers.services.activity import recorded
from workers.services.spreadsheets import guarded, streamed

_COLUMNS: Final = (
    "connection",
    "customer",
    "phone",
    "invoice",
    "days_after_due_date",
    "owed",
    "currency",
    "since",
    "until",
    "time_zone",
    "state",
    "explanation",
)


def queue_file(
    basics: Basics,
    operator: str,
    scope: PlanScope,
    word: str,
    *,
    connection_id: uuid.UUID | None,
) -> Iterator[str]:
    """Yield the file piece by piece, and record the download. Each batch of rows is a transaction of its own.

    `word` is one of `call_queue.WORDS`, or empty for the whole queue.

    Raises:
        DatabaseError: Postgres does not work.
    """
    subject = f"queue of calls{word and f': {word}'}"
    with recorded(basics, operator, Action.DOWNLOAD, connection_id=connection_id, subject=subject):
        yield from streamed(_COLUMNS, _batches(basics, scope, word))


def _batches(basics: Basics, scope: PlanScope, word: str) -> Iterator[Sequence[Sequence[str]]]:
    after: DueReminder | None = None
    while True:
        with basics.engine.connect() as db:
            page = call_queue.page(db, scope, word, after=after, size=call_queue.MOST_CHECKED)
            names = connection_names.names(db, {each.connection_id for each in page.reminders})
        yield [_cells(reminder, names) for reminder in page.reminders]
        after = page.goes_on_after
        if after is None:
            return


def _cells(reminder: DueReminder, names: Mapping[uuid.UUID, str]) -> Sequence[str]:
    zone = zone_named(reminder.time_zone, reminder.home_time_zone)
    held_back = reminder.held_back
    return (
        guarded(names.get(reminder.connection_id, "")),
        guarded(reminder.customer_name),
        guarded(reminder.phone),
        guarded(reminder.invoice_number),
        str(reminder.step),
        "" if reminder.balance is None else str(reminder.balance),
        guarded(reminder.currency_code),
        f"{reminder.scheduled_at.astimezone(zone):%Y-%m-%d %H:%M}",
        f"{reminder.closes_at.astimezone(zone):%Y-%m-%d %H:%M}",
        zone.key,
        held_back or call_queue.CLAIMABLE,
        "" if held_back is None else held_back.sentence,
    )
