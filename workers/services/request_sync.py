"""Starts the sync that a person requests: a new run, unless a run of the connection is active already."""

import uuid
from dataclasses import dataclass

from db import connections, runs, sync_schedule
from db.runs import StepRef
from domain.connection_states import Command, require_possible
from domain.errors import BooksyncError
from domain.runs import Mode, Run
from workers.boot.resources import Resources
from workers.queue import send_step


class RunUnderWayError(BooksyncError):
    """Another run of the connection is active, and cannot do what was requested."""


@dataclass(frozen=True, slots=True)
class RequestedSync:
    """The sync that a person has requested."""

    connection_id: uuid.UUID
    mode: Mode
    allow_deletions: bool = False

    def start(self, resources: Resources) -> StepRef | None:
        """Start a new run; None if a run is active already.

        Raises:
            UnknownConnectionError: the connection does not exist.
            WrongStateError: a person has stopped the connection.
        """
        with resources.engine.begin() as db:
            status = connections.connection(db, self.connection_id).status
            require_possible(Command.SYNC, status, str(self.connection_id))
            step = runs.start(
                db,
                self.connection_id,
                self.mode,
                allow_deletions=self.allow_deletions,
                sweep_seconds=resources.settings.sweep_interval_seconds,
            )
        if step is not None:
            send_step(resources.broker, step)
        return step

    def running(self, resources: Resources) -> Run | None:
        """Return the connection's active run; None without one."""
        with resources.engine.connect() as db:
            return runs.running(db, self.connection_id)

    def start_or_join(self, resources: Resources) -> tuple[uuid.UUID, str]:
        """Start a new run, or leave the work to the active one; return the run's id and a sentence about it.

        If the active run is incremental and a full one was requested, the scheduler starts a full run after it.

        Raises:
            RunUnderWayError: the active run lacks the permission to mark many deletions, which this sync should have.
            UnknownConnectionError, WrongStateError: see `start`.
        """
        while True:
            if (step := self.start(resources)) is not None:
                return step.run_id, f"Run {step.run_id} has started."
            if (running := self.running(resources)) is not None:
                return running.run_id, self._leave_to(running, resources)

    def _leave_to(self, running: Run, resources: Resources) -> str:
        if self.allow_deletions and not running.allow_deletions:
            raise RunUnderWayError(
                f"Run {running.run_id} is active, without the permission to mark many deletions. "
                "Next: repeat the command with --wait, which starts a new run after it."
            )
        if self.mode is Mode.FULL and running.mode is not Mode.FULL:
            with resources.engine.begin() as db:
                sync_schedule.set_next_full_sync(db, self.connection_id, seconds=0)
            return f"Run {running.run_id} is active. The scheduler starts a full run after it."
        return f"Run {running.run_id} is active already, so no new run was started."
