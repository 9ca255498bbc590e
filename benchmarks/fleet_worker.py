"""The workers of a simulated fleet: each run ends at once, with real leases and real admissions by the API budget."""

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import text

from benchmarks.fleet_clock import SimulatedClock
from db import runs
from db.runs import StepLease
from domain.forecast import CALLS_OF_AN_IDLE_SYNC, Rate, Size, full_cost
from domain.runs import Mode, Phase, RunStatus
from workers.boot.calls import CallNotes, CountedBudget
from workers.boot.resources import Resources
from workers.budget import BudgetWait, Lane

_LEASE_SECONDS = 300.0
_DAY_SECONDS = 86_400

#: The calls that Zoho accepts in any 60 seconds.
_CALLS_A_MINUTE = 100

#: The part of the organisations whose calls pass the limiter.
_IS_SAMPLED = "mod(organization_id::bigint, :sample) = 0"

_RUNNING = text(f"""
    SELECT run.id, run.step, organization_id FROM booksync.sync_runs run
      JOIN booksync.zoho_connections connection ON connection.id = run.connection_id
     WHERE run.status = 'running' AND (not_before IS NULL OR not_before <= clock_timestamp())
       AND {_IS_SAMPLED}
""")  # noqa: S608

_END_OTHERS = text(f"""
    UPDATE booksync.sync_runs run SET status = 'succeeded', phase = 'done', finished_at = clock_timestamp()
      FROM booksync.zoho_connections connection
     WHERE connection.id = run.connection_id AND run.status = 'running' AND NOT {_IS_SAMPLED}
""")  # noqa: S608


@dataclass
class SimulatedZoho:
    """Counts the calls of each organisation by Zoho's rules, independently of the limiter."""

    clock: SimulatedClock
    day_limit: int
    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refusals: int = 0  #: calls that Zoho would refuse, by the minute or by the day

    def call(self, organization_id: str) -> Mapping[str, str]:
        """Receive one call; returns the response's headers."""
        made = self.calls[organization_id]
        made.append(self.clock.now)
        in_minute = len(made) - bisect_right(made, self.clock.now - 60)
        today = len(made) - bisect_right(made, self.clock.now - self.clock.now % _DAY_SECONDS)
        if in_minute > _CALLS_A_MINUTE or today > self.day_limit:
            self.refusals += 1
        return {
            "X-Rate-Limit-Limit": str(self.day_limit),
            "X-Rate-Limit-Remaining": str(max(0, self.day_limit - today)),
            "X-Rate-Limit-Reset": str(int(_DAY_SECONDS - self.clock.now % _DAY_SECONDS)),
        }


class SimulatedWorkers:
    """Do all due runs at once, while no time passes.

    A budget concerns one organisation only. So the calls of one of `sample` organisations pass the limiter, and the
    runs of the others end without calls.
    """

    def __init__(self, resources: Resources, zoho: SimulatedZoho, *, sample: int) -> None:
        notes = CallNotes(resources.engine, resources.settings.zoho_window_seconds, clock=lambda: zoho.clock.now)
        self._resources = resources
        self._budget = CountedBudget(resources.budget, notes, resources.counters)
        self._zoho = zoho
        self._sample = {"sample": sample}
        self.done = 0
        self.waits = 0

    def work(self) -> None:
        with self._resources.engine.begin() as db:
            db.execute(_END_OTHERS, self._sample)
            due = db.execute(_RUNNING, self._sample).all()
        for run_id, step, organization_id in due:
            self._run(run_id, step, organization_id)

    def _run(self, run_id: uuid.UUID, step: int, organization_id: str) -> None:
        with self._resources.engine.begin() as db:
            lease = runs.acquire(db, run_id, step, lease_seconds=_LEASE_SECONDS)
        if lease is None:
            return
        calls = CALLS_OF_AN_IDLE_SYNC
        if lease.run.mode is Mode.FULL:
            calls = full_cost(Size(0, 0, None), Rate(1, 0)).calls
        try:
            for _ in range(calls):
                with self._budget.call(organization_id, lane=Lane.BULK, holder=f"run-{run_id}") as admission:
                    admission.responded(200, 0, self._zoho.call(organization_id))
        except BudgetWait as wait:
            self._release(lease, wait)
            return
        ended = lease.over(replace(lease.run, phase=Phase.DONE, status=RunStatus.SUCCEEDED))
        with self._resources.engine.begin() as db:
            runs.advance(db, ended, sweep_seconds=_LEASE_SECONDS, calls=calls)
        self.done += 1

    def _release(self, lease: StepLease, wait: BudgetWait) -> None:
        self.waits += 1
        with self._resources.engine.begin() as db:
            runs.release(
                db,
                lease,
                wait_seconds=wait.seconds,
                waiting_for=wait.reason,
                sweep_seconds=_LEASE_SECONDS,
                refund_attempt=True,
            )
