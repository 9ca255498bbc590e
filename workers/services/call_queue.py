"""The queue of due reminders, also those of one reason only, and how many there are of each reason."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db import hand_over
from db.hand_over import DueReminder
from db.planned_calls import PlanScope
from db.session import Session
from domain.hand_over import HoldReason

#: The reminders that are checked at most for one page, because a check takes about 0.1 ms.
MOST_CHECKED: Final = 500


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Rows of the queue, and the reminder after which the queue goes on; None at its end."""

    reminders: Sequence[DueReminder]
    more_after: uuid.UUID | None


def counts(db: Session, scope: PlanScope) -> Mapping[HoldReason | None, int]:
    """The queue's first reminders by what holds them back; None for those that can be claimed."""
    return hand_over.queue_counts(db, scope.user_id, scope.connection_id, limit=MOST_CHECKED)


def page(db: Session, scope: PlanScope, *, after: uuid.UUID | None, size: int) -> QueuePage:
    """At most `size` reminders of the queue, after the reminder `after`."""
    found = hand_over.queue(db, scope.user_id, scope.connection_id, after=after, limit=size + 1)
    return QueuePage(found[:size], _last(found, size))


def page_of_reason(
    db: Session, scope: PlanScope, reason: HoldReason | None, *, after: uuid.UUID | None, size: int
) -> QueuePage:
    """At most `size` reminders that this reason holds back; None for those that can be claimed.

    The page may have fewer of them, and even none, although the queue goes on.
    """
    checked = hand_over.queue(db, scope.user_id, scope.connection_id, after=after, limit=MOST_CHECKED + 1)
    found = [each for each in checked[:MOST_CHECKED] if each.held_back is reason]
    if len(found) > size:
        return QueuePage(found[:size], _last(found, size))
    return QueuePage(found, _last(checked, MOST_CHECKED))


def _last(found: Sequence[DueReminder], size: int) -> uuid.UUID | None:
    """The last reminder of a page if more than `size` were read."""
    return found[size - 1].reminder_id if len(found) > size else None
