"""The runs that read what many webhooks name: the scheduler brings them forward, paced by what they cost."""

import structlog

from db import connections, floods, scheduler_marks
from db.floods import Flooded
from domain.floods import run_spacing_seconds
from domain.forecast import CALLS_OF_A_TRUTH_CHECK, full_cost, incremental_cost
from workers.forecasting import forecast
from workers.resources import Resources

log = structlog.get_logger(__name__)


def bring_runs_forward(resources: Resources) -> None:
    """Makes the next run of each flooded connection due, once in a spacing."""
    with resources.engine.begin() as connection:
        found = floods.flooded(connection)
    for flooded in found:
        _bring_forward(resources, flooded)


def _bring_forward(resources: Resources, flooded: Flooded) -> None:
    connection_id = flooded.connection_id
    with resources.engine.begin() as connection:
        outlook = forecast(resources, connection, connections.link(connection, connection_id))
        day_limit = outlook.budget.day_limit if outlook.budget else None

        def is_turn(name: str, calls: int) -> bool:
            spacing = run_spacing_seconds(calls, day_limit)
            return scheduler_marks.take(connection, f"{name}:{connection_id}", every_seconds=spacing)

        full = full_cost(outlook.size, outlook.rate).calls + CALLS_OF_A_TRUTH_CHECK
        if flooded.left_to_full_run and is_turn("flood full run", full):
            connections.set_next_full_sync(connection, connection_id, seconds=0)
            _log(flooded, "full")
            return
        others = flooded.waiting - flooded.left_to_full_run
        if others and is_turn("flood run", incremental_cost(others, outlook.size, outlook.rate).calls):
            connections.set_next_sync(connection, connection_id, seconds=0)
            _log(flooded, "incremental")


def _log(flooded: Flooded, mode: str) -> None:
    log.info(
        "Many records of webhooks wait: a sync reads them from the lists",
        action="flood.run_due",
        connection_id=str(flooded.connection_id),
        records=flooded.waiting,
        mode=mode,
    )
