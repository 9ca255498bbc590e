"""Joins the API budget with Postgres. Postgres stores calls and pauses, so both survive a loss of Redis's data."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from db import api_use, budget_waits
from db.api_use import StoredPause
from db.session import autocommit
from workers.boot.settings import Settings
from workers.budget import CALL_SECONDS, PROBE_SECONDS, Admission, ApiBudget, BudgetLimits, Lane, PauseLeft, PauseReason
from workers.observability.counters import Counters

#: Seconds added to the duration of a call, because the budget's lease also covers the writes to Postgres before the
#: call.
_AROUND_A_CALL_SECONDS = 5

#: The reasons of the pauses that Zoho imposes, by the text that Postgres stores.
_REASONS = {each.value: each for each in (PauseReason.MINUTE, PauseReason.DAY, PauseReason.CONCURRENCY)}


def new_budget(client: redis.Redis, engine: Engine, counters: Counters, settings: Settings) -> ApiBudget:
    """Return the API budget of every organisation, with the limits of the settings."""

    def seconds_since_last_call(organization_id: str) -> float | None:
        with engine.connect() as db:
            return api_use.seconds_since_last_call(db, organization_id)

    def pause_left(organization_id: str) -> PauseLeft | None:
        with engine.connect() as db:
            stored = api_use.pause_left(db, organization_id)
        return _pause_left(stored) if stored else None

    def on_pause(organization_id: str, seconds: float, reason: PauseReason) -> None:
        with engine.begin() as db:
            api_use.note_pause(db, organization_id, seconds, reason, is_probed=reason is PauseReason.DAY)

    def on_probe(organization_id: str) -> None:
        with engine.begin() as db:
            api_use.note_probe(db, organization_id)

    def on_resume(organization_id: str) -> None:
        with engine.begin() as db:
            api_use.forget_pause(db, organization_id)
            budget_waits.bring_forward(db, organization_id)

    return ApiBudget(
        client,
        limits=BudgetLimits(
            requests_per_minute=settings.zoho_requests_per_minute,
            window_seconds=settings.zoho_window_seconds,
            concurrency=settings.zoho_concurrency,
            interactive_reserve=settings.zoho_interactive_reserve,
            daily_reserve=settings.zoho_daily_reserve,
            longest_call_seconds=CALL_SECONDS + _AROUND_A_CALL_SECONDS,
        ),
        seconds_since_last_call=seconds_since_last_call,
        pause_left=pause_left,
        on_pause=on_pause,
        on_probe=on_probe,
        on_resume=on_resume,
        on_sleep=counters.budget_wait,
    )


def _pause_left(stored: StoredPause) -> PauseLeft:
    """Convert a pause that Postgres has stored to the budget's `PauseLeft`.

    A pause with a reason that this release does not know is treated as a pause for the limit of calls per minute.
    """
    since_probe = PROBE_SECONDS if stored.seconds_since_probe is None else stored.seconds_since_probe
    return PauseLeft(
        stored.seconds,
        _REASONS.get(stored.reason or "", PauseReason.MINUTE),
        probe_in_seconds=max(0.0, PROBE_SECONDS - since_probe),
    )


#: The share of the budget's window for which a process notes its calls in advance, because a note for each call would
#: be a commit for each call. After a loss of Redis's data, the budget waits longer by at most this share.
_SHARE_NOTED_AHEAD = 1 / 12


class CallNotes:
    """Notes in Postgres that this process may make calls for an organisation. A note is valid for some seconds."""

    def __init__(self, engine: Engine, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._seconds = window_seconds * _SHARE_NOTED_AHEAD
        self._clock = clock
        self._noted_until: dict[str, float] = {}

    def note(self, organization_id: str) -> None:
        """Note that a call is about to be made, unless this process's last note for the organisation is still valid."""
        now = self._clock()
        if now < self._noted_until.get(organization_id, now):
            return
        with autocommit(self._engine) as db:
            api_use.note_calls(db, organization_id, seconds=self._seconds)
        # The time before the statement counts, because the note is older than its reply.
        self._noted_until[organization_id] = now + self._seconds


@dataclass(frozen=True, slots=True)
class CountedBudget:
    """The API budget that records calls in Postgres before they are made (implements `workers.zoho.Budget`).

    The status of each response is counted for `/metrics`.
    """

    budget: ApiBudget
    notes: CallNotes
    counters: Counters

    @contextmanager
    def call(self, organization_id: str, *, lane: Lane, holder: str) -> Iterator["_NotedAdmission"]:
        with self.budget.call(organization_id, lane=lane, holder=holder) as admission:
            self.notes.note(organization_id)
            noted = _NotedAdmission(admission)
            try:
                yield noted
            finally:
                self.counters.api_call(noted.status)


@dataclass(slots=True)
class _NotedAdmission:
    """The right to make one call; it keeps the response's status for counting (implements `workers.zoho.Admission`)."""

    admission: Admission
    status: int | None = field(default=None, init=False)

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        self.status = status
        self.admission.responded(status, code, headers)
