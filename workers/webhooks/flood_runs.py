"""Runs for floods of webhooks: the scheduler brings a run forward, within an allowance of API calls."""

from contextlib import suppress

import structlog

from db import connections, floods, scheduler_marks, sync_schedule
from db.connections import UnknownConnectionError
from db.floods import Flooded
from db.session import Session
from domain.floods import REFILL_SECONDS, RUN_SPACING_SECONDS, refill_seconds
from domain.forecast import CALLS_OF_A_TRUTH_CHECK, full_cost, incremental_cost
from domain.runs import Mode
from workers.boot.resources import Resources
from workers.services.forecast import Forecast, forecast

log = structlog.get_logger(__name__)


def bring_runs_forward(resources: Resources) -> None:
    """Make the next run of each flooded connection due, at most once per `RUN_SPACING_SECONDS`, within the allowance.

    After the allowance of calls is spent, the records wait for the connection's next regular run.
    """
    with resources.engine.begin() as db:
        found = floods.flooded(db)
    for flooded in found:
        # A connection that was erased in the meantime has no further run.
        with suppress(UnknownConnectionError), resources.engine.begin() as db:
            # Full and incremental runs share one mark, so a run of either mode delays the next one.
            if scheduler_marks.take(db, f"flood run:{flooded.connection_id}", every_seconds=RUN_SPACING_SECONDS):
                _bring_forward(resources, db, flooded)


def _bring_forward(resources: Resources, db: Session, flooded: Flooded) -> None:
    connection_id = flooded.connection_id
    connection = connections.connection(db, connection_id)
    outlook = forecast(resources, db, connection)

    def is_affordable(calls: int) -> bool:
        # The daily limit is per organisation, so the connections of an organisation share one allowance.
        return scheduler_marks.spend(
            db,
            f"flood calls:{connection.organization_id}",
            seconds=_seconds_of(calls, outlook),
            refill_seconds=REFILL_SECONDS,
        )

    full = full_cost(outlook.size, outlook.rate).calls + CALLS_OF_A_TRUTH_CHECK
    if flooded.left_to_full_run and is_affordable(full):
        sync_schedule.set_next_full_sync(db, connection_id, seconds=0)
        _log(flooded, Mode.FULL)
        return
    incremental = incremental_cost(
        flooded.contacts, outlook.size, outlook.rate, changed_invoices=flooded.invoices
    ).calls
    if flooded.waiting > flooded.left_to_full_run and is_affordable(incremental):
        sync_schedule.set_next_sync(db, connection_id, seconds=0)
        _log(flooded, Mode.INCREMENTAL)


def _seconds_of(calls: int, outlook: Forecast) -> float:
    budget = outlook.budget
    return refill_seconds(calls, budget.day_limit, budget.day_kept) if budget else 0.0


def _log(flooded: Flooded, mode: Mode) -> None:
    log.info(
        "Many records named by webhooks wait, so a run is due that reads these records from the lists",
        action="flood.run_due",
        connection_id=str(flooded.connection_id),
        records=flooded.waiting,
        mode=mode,
    )
