"""The queue of due reminders, also those of one reason only, and how many there are of each reason."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db import hand_over
from db.hand_over import DueReminder
from db.planned_calls import PlanScope
from db.session import Session
from domain.reminders.hand_over import HoldReason

#: The reminders that are checked at most for one page, because a check takes about 0.1 ms.
MOST_CHECKED: Final = 500

#: Instead of a reason: the reminders that nothing holds back.
CLAIMABLE: Final = "claimable"

#: The words for the reminders that a page has.
WORDS: Final = frozenset({CLAIMABLE, *HoldReason})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Rows of the queue, and the reminder after which the queue goes on; None at its end."""

    reminders: Sequence[DueReminder]
    goes_on_after: DueReminder | None


def counts(db: Session, scope: PlanScope) -> Mapping[HoldReason | None, int]:
    """The queue's first reminders by what holds them back; None for those that can be claimed."""
    return hand_over.queue_counts(db, scope.user_id, scope.connection_id, limit=MOST_CHECKED)


def page(
    db: Session, scope: PlanScope, word: str = "", *, after: uuid.UUID | DueReminder | None, size: int
) -> QueuePage:
    """At most `size` reminders of the queue, after the reminder `after`: all, or those of one of the WORDS.

    A page of one word may have fewer of them, and even none, although the queue goes on.
    """
    limit = MOST_CHECKED if word else size
    checked = hand_over.queue(db, scope.user_id, scope.connection_id, after=after, limit=limit + 1)
    found = [each for each in checked[:limit] if not word or (each.held_back or CLAIMABLE) == word]
    if len(found) > size:
        return QueuePage(found[:size], found[size - 1])
    return QueuePage(found, checked[limit - 1] if len(checked) > limit else None)
