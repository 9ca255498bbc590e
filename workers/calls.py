"""The API budget joined with Postgres, which remembers every call and pause when Redis does not."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from db import api_use, runs
from workers.budget import Admission, ApiBudget, BudgetLimits, Lane, PauseReason
from workers.counters import Counters
from workers.settings import Settings
from workers.zoho import CALL_SECONDS

#: The budget's lease covers what is written down before the call, too.
_AROUND_A_CALL_SECONDS = 5


def new_budget(client: redis.Redis, engine: Engine, counters: Counters, settings: Settings) -> ApiBudget:
    """The budget of every organisation, as the settings limit it."""

    def seconds_since_last_call(organization_id: str) -> float | None:
        with engine.connect() as connection:
            return api_use.seconds_since_last_call(connection, organization_id)

    def paused_seconds(organization_id: str) -> float | None:
        with engine.connect() as connection:
            return api_use.paused_seconds(connection, organization_id)

    def on_pause(organization_id: str, seconds: float, reason: PauseReason) -> None:
        with engine.begin() as connection:
            api_use.note_pause(connection, organization_id, seconds, reason)

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
        paused_seconds=paused_seconds,
        on_pause=on_pause,
        on_sleep=counters.budget_wait,
    )


@dataclass(frozen=True, slots=True)
class CountedBudget:
    """The budget, with each call written down in Postgres just before it is made (implements `workers.zoho.Budget`).

    How it was answered is counted for `/metrics`.
    """

    budget: ApiBudget
    engine: Engine
    counters: Counters
    run_id: uuid.UUID | None = None  #: the run whose calls these are

    @contextmanager
    def call(self, organization_id: str, *, lane: Lane, holder: str) -> Iterator["_NotedAdmission"]:
        with self.budget.call(organization_id, lane=lane, holder=holder) as admission:
            with self.engine.begin() as connection:
                api_use.note_call(connection, organization_id)
                if self.run_id is not None:
                    runs.count_call(connection, self.run_id)
            noted = _NotedAdmission(admission)
            try:
                yield noted
            finally:
                self.counters.api_call(noted.status)


@dataclass(slots=True)
class _NotedAdmission:
    """The right to make one call, and the status of its answer (implements `workers.zoho.Admission`)."""

    admission: Admission
    status: int | None = field(default=None, init=False)

    def answered(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        self.status = status
        self.admission.answered(status, code, headers)
