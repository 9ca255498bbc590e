"""A whole booksync on a test bench: real Postgres, Valkey and simulator; the test itself executes the steps."""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from db import openings, runs, summary
from db.runs import StepRef
from domain.reminders.opening import Backlog
from domain.runs import Mode, Phase
from domain.users import UserId
from sandbox.zoho.control import SandboxControl
from tests.truth import differences
from workers.boot.resources import Resources
from workers.boot.slices import SliceLimits
from workers.services.connect import connect_organization
from workers.sync import contacts, customers, deletions, further_records, invoices, persons, reminders, start
from workers.sync.run_steps import Step, run_step

STEPS: dict[Phase, Step] = {
    Phase.START: start.start_sync,
    Phase.PERSONS: persons.fetch_contact_persons,
    Phase.CONTACTS: contacts.fetch_contacts_page,
    Phase.CUSTOMERS: customers.upsert_customers,
    Phase.GONE_CUSTOMERS: deletions.confirm_deletions,
    Phase.INVOICES: invoices.sync_invoices_page,
    Phase.GONE_INVOICES: deletions.confirm_deletions,
    Phase.RECORDS: further_records.sync_records_page,
    Phase.GONE_RECORDS: deletions.confirm_deletions,
    Phase.REMINDERS: reminders.create_reminders,
}

#: A step that reads one page of a list.
ONE_PAGE = SliceLimits(pages=1)

Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """One connection of one user to one organisation of the simulator."""

    resources: Resources
    zoho: SandboxControl
    connection_id: uuid.UUID

    @classmethod
    def connected(
        cls,
        resources: Resources,
        zoho: SandboxControl,
        *,
        user_id: UserId | None = None,
        slices: SliceLimits = ONE_PAGE,
    ) -> "Bench":
        """A new connection. By default each step reads one page, so a test can act between two pages."""
        resources = replace(resources, slices=slices)
        linked = connect_organization(
            resources,
            user_id=user_id or uuid.uuid4(),
            organization_id=zoho.organization_id,
            data_center="com",
            grant_code=zoho.grant_code(),
        )
        return cls(resources, zoho, linked.connection_id)

    def with_slices(self, slices: SliceLimits) -> "Bench":
        """The same connection, with steps of other lengths."""
        return replace(self, resources=replace(self.resources, slices=slices))

    def open(self, backlog: Backlog = Backlog.NONE, *, at: dt.datetime | None = None) -> None:
        """Opens the connection's handover as of `at` (now by default). Its plans are due."""
        now = at or dt.datetime.now(dt.UTC)
        with self.resources.engine.begin() as db:
            openings.open_handover(db, self.connection_id, backlog, now=now)

    def start(
        self, mode: Mode = Mode.INCREMENTAL, *, allow_deletions: bool = False, is_scheduled: bool = False
    ) -> StepRef:
        with self.resources.engine.begin() as db:
            step = runs.start(
                db,
                self.connection_id,
                mode,
                allow_deletions=allow_deletions,
                is_scheduled=is_scheduled,
                sweep_seconds=0,
            )
        assert step is not None, "a run is under way"
        return step

    def take(self, step: StepRef) -> None:
        """Does the step like a worker that has received its message."""
        run_step(self.resources, str(step.run_id), step.step, STEPS[step.phase])

    def present_step(self) -> StepRef | None:
        with self.resources.engine.connect() as db:
            run = runs.running(db, self.connection_id)
        return StepRef.of(run) if run else None

    def sync(self, mode: Mode = Mode.INCREMENTAL, *, allow_deletions: bool = False, is_scheduled: bool = False) -> Row:
        """Executes a run from start to end; returns its summary."""
        run_id = self.start(mode, allow_deletions=allow_deletions, is_scheduled=is_scheduled).run_id
        while (step := self.present_step()) is not None:
            self.skip_waiting()
            self.take(step)
        with self.resources.engine.connect() as db:
            return summary.run_summary(db, run_id)

    def skip_waiting(self) -> None:
        """Ends every wait of the run, so a retry follows at once."""
        self.rows("UPDATE booksync.sync_runs SET not_before = NULL WHERE status = 'running' RETURNING id")

    def rows(self, sql: str, **values: Any) -> list[Row]:
        with self.resources.engine.begin() as db:
            return [dict(row) for row in db.exec_driver_sql(sql, values).mappings()]

    def customers(self) -> dict[str, Row]:
        return {row["zoho_customer_id"]: row for row in self.rows("SELECT * FROM booksync.customers_cache")}

    def invoices(self) -> dict[str, Row]:
        return {row["zoho_invoice_id"]: row for row in self.rows("SELECT * FROM invoices_cache")}

    def differences(self) -> list[str]:
        """The differences between the cache and the simulator's books."""
        with psycopg.connect(self.resources.settings.database_url.get_secret_value(), autocommit=True) as database:
            return differences(self.zoho.snapshot(), database)
