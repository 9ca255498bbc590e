"""One leased run step: the run, the clients for its calls, and how its progress is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property

from db import activity, connections, dead_letters, orphaned_invoices, runs
from db.connections import Connection
from db.dead_letters import NewDeadLetter
from db.runs import StepLease, StepRef
from db.session import Session, autocommit
from domain.runs import Run
from domain.walk import Walk, WalkById
from workers.boot.resources import Resources
from workers.boot.slices import Slice
from workers.budget import Lane
from workers.observability.activities import own_activities
from workers.sync.asking import Asking
from workers.zoho import ZohoTransport
from workers.zoho.list_reader import ListReader


class Work(Asking):
    """A leased run step. `lease` is replaced when the lease is renewed."""

    _TRANSPORTS = ("transport", "transport_ahead")

    def __init__(self, resources: Resources, lease: StepLease) -> None:
        super().__init__(resources, leased_at=lease.until - timedelta(seconds=resources.settings.claim_seconds))
        self.lease = lease
        self.rows = 0  #: the rows that this step has written
        self.has_progressed = False  #: whether the step was checkpointed, so that its attempts have begun at one again
        self.slice = Slice(resources.slices)  #: the part of a list that this step reads
        self._written_before = lease.run.counters.written
        self._counted_calls = self._calls_in_transaction = 0

    @property
    def run(self) -> Run:
        return self.lease.run

    @cached_property
    def connection(self) -> Connection:
        with autocommit(self.resources.engine) as db:
            return connections.connection(db, self.run.connection_id)

    @cached_property
    def transport(self) -> ZohoTransport:
        return self._transport(f"run-{self.run.run_id}")

    @cached_property
    def transport_ahead(self) -> ZohoTransport:
        """The transport for a second call at the same time. It has its own place in the budget's queue."""
        return self._transport(f"run-{self.run.run_id}-ahead")

    def _transport(self, holder: str) -> ZohoTransport:
        return self.resources.transport(self.connection, lane=Lane.BULK, holder=holder, now=lambda: self.now)

    @property
    def lists(self) -> ListReader:
        return ListReader(self.transport, zone=self.zone)

    @property
    def lists_ahead(self) -> ListReader:
        return ListReader(self.transport_ahead, zone=self.zone)

    @property
    def is_slower_than_budget(self) -> bool:
        """Whether one call at a time leaves a part of the budget unused, because responses are slow."""
        settings = self.resources.settings
        budgeted_seconds = settings.zoho_window_seconds / settings.zoho_requests_per_minute
        last_seconds = max((transport.last_call_seconds for transport in self._transports_made), default=0.0)
        return last_seconds > max(budgeted_seconds, self.resources.slices.slow_response_seconds)

    def now_before(self, walk: Walk | WalkById) -> datetime | None:
        """The present time if the walk has not begun, else None.

        Once its walk has begun, a run has the time of its first call. Only a run of an older release lacks this time.
        """
        return self.now if walk.started_at is None else None

    def advance(
        self, db: Session, run: Run, *, error: str | None = None, dead_letter: NewDeadLetter | None = None
    ) -> StepRef:
        """Write the run's new state, and the dead letter of a failed step, and return the run's next step.

        A full run that could not read the list of invoices requests the open invoices of gone customers, see
        `note_gone`.

        Raises:
            LeaseLostError: another worker has done this step; the transaction must roll back.
        """
        if run.has_missed_invoices and not self.run.has_missed_invoices:
            self.following += orphaned_invoices.ask_unread(db, self.connection)
        following = runs.advance(
            db,
            self.lease.over(run),
            sweep_seconds=self.resources.settings.sweep_interval_seconds,
            calls=self._calls_to_count(),
            error=error,
        )
        self.rows = run.counters.written - self._written_before
        if dead_letter is not None:
            dead_letters.keep(db, dead_letter)
        if run.status.is_final:
            dead_letters.run_ended(db, run.run_id)
            activity.note_first_sync(db, run.run_id)
        return following

    def checkpoint(self, db: Session, run: Run, *, together_with: Callable[[], object] = lambda: None) -> None:
        """Checkpoint the run: write its new state, stay in its step, and renew the lease.

        The statements of `together_with` are sent in the same round trip; their results are not read.

        Raises:
            LeaseLostError: the lease had expired and another worker has acquired the step; the transaction must roll
                back.
        """
        self.lease = runs.checkpoint(
            db,
            self.lease.over(run),
            lease_seconds=self.resources.settings.claim_seconds,
            calls=self._calls_to_count(),
            together_with=together_with,
        )
        self.has_progressed = True
        own_activities.progressed()

    def renew(self, db: Session) -> None:
        """Renew the lease of the step. Unlike a checkpoint, a renewal does not reset the step's attempts.

        Raises:
            LeaseLostError: as `checkpoint`.
        """
        self.lease = runs.checkpoint(
            db,
            self.lease,
            lease_seconds=self.resources.settings.claim_seconds,
            calls=self._calls_to_count(),
            is_progress=False,
        )
        own_activities.progressed()

    def release(
        self, db: Session, *, wait_seconds: float, waiting_for: str, refund_attempt: bool, error: str | None
    ) -> None:
        """Release the lease until a later time, see `db.runs.release`."""
        runs.release(
            db,
            self.lease,
            wait_seconds=wait_seconds,
            waiting_for=waiting_for,
            sweep_seconds=self.resources.settings.sweep_interval_seconds,
            calls=self.calls - self._counted_calls,
            refund_attempt=refund_attempt,
            error=error,
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As `Asking.transaction`, one transaction at a time in a process.

        If it does not commit, the calls that it added to the run's row are added later.
        """
        self._calls_in_transaction = self._counted_calls
        with self.resources.turns.turn(), super().transaction() as db:
            yield db
        self._counted_calls = self._calls_in_transaction

    def _calls_to_count(self) -> int:
        """Return the number of API calls to add to the run's row, for a statement of the present transaction."""
        counted, self._calls_in_transaction = self._calls_in_transaction, self.calls
        return self._calls_in_transaction - counted
