"""Previews for the console: planning all open invoices of a large connection takes minutes, so it is done in the
background while a page waits for it, and the result is kept for a while."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from db.connections import Connection
from db.openings import Switch
from db.session import Session, autocommit
from domain.errors import BooksyncError
from domain.reminders.opening import Backlog
from domain.reminders.policy import ReminderPolicy
from workers.boot.basics import Basics
from workers.services.kept import LONGEST_SECONDS, Kept
from workers.services.policy_preview import PolicyPreview, preview_policy
from workers.services.preview import Preview, preview

#: The previews of one process at the same time, of each kind. A preview keeps one processor busy.
MOST_AT_ONCE: Final = 1

#: From this number of open invoices on, a preview is kept.
LARGE_INVOICES: Final = 20_000

#: A preview ends if no page has asked for it for this long. A page that waits asks every few seconds.
ABANDONED_SECONDS: Final = 120.0

#: The calls of one day that a preview lists.
CALLS_SHOWN: Final = 50

ValueT = TypeVar("ValueT")

#: Receives the number of invoices that are planned so far, and of all.
Report = Callable[[int, int], None]


class AbandonedError(BooksyncError):
    """No page waits for the preview any more, so it was ended."""


@dataclass(frozen=True, slots=True)
class Look(Generic[ValueT]):
    """A preview that was made `age_seconds` ago; None while it is being made, with how far it is."""

    found: ValueT | None
    age_seconds: float = 0.0
    done: int = 0
    total: int = 0  #: 0 while it is not known


@dataclass
class _Progress:
    """How far a preview is, and when a page asked for it the last time."""

    clock: Callable[[], float]
    asked_at: float
    done: int = 0
    total: int = 0

    def report(self, done: int, total: int) -> None:
        """Raises AbandonedError: no page waits any more."""
        self.done, self.total = done, total
        if self.clock() - self.asked_at > ABANDONED_SECONDS:
            raise AbandonedError


class _Previews(Generic[ValueT]):
    """The previews of one kind. Each is made once for all pages that want it."""

    def __init__(self, basics: Basics, is_large: Callable[[ValueT], bool], clock: Callable[[], float]) -> None:
        self._basics = basics
        self._clock = clock
        self._kept: Kept[Hashable, ValueT] = Kept(
            is_large, kept_seconds=LONGEST_SECONDS, most_at_once=MOST_AT_ONCE, clock=clock
        )
        self._lock = threading.Lock()
        self._begun: dict[Hashable, _Progress] = {}

    def look(self, key: Hashable, make: Callable[[Session, Report], ValueT]) -> Look[ValueT]:
        with self._lock:
            progress = self._begun.get(key) or _Progress(self._clock, 0.0)
            progress.asked_at = self._clock()
        reading = self._kept.read(key, lambda: self._make(key, progress, make))
        return Look(reading.value, reading.age_seconds, progress.done, progress.total)

    def _make(self, key: Hashable, progress: _Progress, make: Callable[[Session, Report], ValueT]) -> ValueT:
        with self._lock:
            self._begun[key] = progress
        try:
            with autocommit(self._basics.engine) as db:
                return make(db, progress.report)
        finally:
            with self._lock:
                del self._begun[key]


class KeptPreviews:
    """What an opening of a connection would hand over, and what a change of its rules would move.

    A preview is for the handover's state and the rules that the page has read, so that a change of them makes another
    preview. `basics` limits no statement.
    """

    def __init__(
        self,
        basics: Basics,
        *,
        large_invoices: int = LARGE_INVOICES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._openings: _Previews[Preview] = _Previews(
            basics, lambda found: found.funnel.open.invoices >= large_invoices, clock
        )
        self._policies: _Previews[PolicyPreview] = _Previews(
            basics, lambda found: found.invoices >= large_invoices, clock
        )

    def opening(
        self, connection: Connection, switch: Switch, present: ReminderPolicy, backlog: Backlog
    ) -> Look[Preview]:
        """The calls that would be made if the connection were opened now.

        Raises:
            DatabaseError: Postgres does not work.
        """
        return self._openings.look(
            (connection.connection_id, switch, _key_of(present), backlog),
            lambda db, report: preview(
                db, connection, with_backlog=backlog is Backlog.LATEST, limit=CALLS_SHOWN, on_progress=report
            ),
        )

    def policy(
        self, connection: Connection, switch: Switch, present: ReminderPolicy, policy: ReminderPolicy
    ) -> Look[PolicyPreview]:
        """What the rules `policy` would move, compared with the present ones.

        Raises:
            DatabaseError: Postgres does not work.
        """
        return self._policies.look(
            (connection.connection_id, switch, _key_of(present), _key_of(policy)),
            lambda db, report: preview_policy(db, connection, policy, on_progress=report),
        )


def _key_of(policy: ReminderPolicy) -> str:
    return repr(policy.to_json())
