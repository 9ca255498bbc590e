"""One claimed step in the hands of a worker: the run, the clients it calls with, and the way it is written down."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import structlog
from sqlalchemy import Connection

from db import connections, dead_letters, runs
from db.connections import Link
from db.dead_letters import Death
from db.runs import Claim, StepRef
from domain.contacts import Contact
from domain.lists import ListedT, Page, SetAside
from domain.runs import Run
from domain.time_zones import zone_named
from domain.walk import Walk
from workers.budget import Lane
from workers.logs import describe
from workers.resources import Resources
from workers.zoho import ZohoContactsClient, ZohoInvoicesClient, ZohoTransport
from workers.zoho.errors import RecordUnreadable

log = structlog.get_logger(__name__)


@dataclass
class Work:
    """A step that is being done. `claim` changes as it is renewed."""

    resources: Resources
    claim: Claim

    def __post_init__(self) -> None:
        self.rows = 0  #: that this step has written
        self._began = time.monotonic()
        self._written_before = self.run.counters.written
        self._taken_at = self.claim.until - timedelta(seconds=self.resources.settings.claim_seconds)

    @property
    def run(self) -> Run:
        return self.claim.run

    @cached_property
    def link(self) -> Link:
        with self.resources.engine.connect() as connection:
            return connections.link(connection, self.run.connection_id)

    @property
    def calls(self) -> int:
        """API calls that this step has made."""
        return self.transport.calls if "transport" in self.__dict__ else 0

    @cached_property
    def transport(self) -> ZohoTransport:
        return self.resources.transport(
            self.link, lane=Lane.BULK, holder=f"run-{self.run.run_id}", run_id=self.run.run_id
        )

    @property
    def contacts_client(self) -> ZohoContactsClient:
        return ZohoContactsClient(self.transport, zone=zone_named(self.link.time_zone))

    @property
    def invoices_client(self) -> ZohoInvoicesClient:
        return ZohoInvoicesClient(self.transport, zone=zone_named(self.link.time_zone))

    def ask_contact(self, contact_id: str) -> Contact | SetAside | None:
        """One detail call: the contact, None where Zoho has it no longer, or why it cannot be understood.

        Raises:
            BudgetWait, ZohoError: see `ZohoContactsClient.get_contact_by_id`.
        """
        try:
            return self.contacts_client.get_contact_by_id(contact_id)
        except RecordUnreadable as error:
            return SetAside(contact_id, describe(error))

    def walk_on(self, walk: Walk, page: Page[ListedT]) -> tuple[Walk, tuple[ListedT, ...]]:
        """The walk after a page, and the page's new rows; a list that is not what it should be is told once.

        Raises:
            WalkStuck: the list says that more follows, and tells nothing new.
        """
        walked, rows = walk.take(page)
        if walked.note != walk.note:
            log.warning("The list cannot be read in the usual way", action="walk.fallback", reason=walked.note)
        return walked, rows

    @property
    def observed_at(self) -> datetime:
        """The server's time of the last answer."""
        assert self.transport.server_time is not None, "asked after an answer"
        return self.transport.server_time

    @property
    def now(self) -> datetime:
        """The present by Postgres's clock: hosts differ, and what one plans for now is due for every other."""
        return self._taken_at + timedelta(seconds=time.monotonic() - self._began)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction. Rows and cursor are written in the same one, or neither is."""
        with self.resources.engine.begin() as connection:
            yield connection

    def advance(
        self, connection: Connection, run: Run, *, error: str | None = None, death: Death | None = None
    ) -> StepRef:
        """Writes the run's new state, and the death of the step if it was given up, and moves on to the next step.

        Raises:
            StaleStepError: somebody else has done this step; the transaction must roll back.
        """
        following = runs.advance(
            connection,
            self.claim.over(run),
            sweep_seconds=self.resources.settings.sweep_interval_seconds,
            error=error,
        )
        self.rows = run.counters.written - self._written_before
        if death is not None:
            dead_letters.keep(connection, death)
        if run.status.is_final:
            dead_letters.run_ended(connection, run.run_id)
        return following

    def keep(self, connection: Connection, run: Run) -> None:
        """Writes the run's new state, stays in the step, and holds it for longer.

        Raises:
            StaleStepError: the claim had run out and somebody else has taken the step; roll back.
        """
        self.claim = runs.keep(
            connection,
            self.claim.over(run),
            claim_seconds=self.resources.settings.claim_seconds,
        )
