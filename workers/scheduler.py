"""The clock of booksync: sends overdue steps again, and starts the runs that are due. Any number of them may tick."""

import signal
import threading
import uuid
from collections.abc import Sequence
from types import FrameType

import structlog
from sqlalchemy.exc import DBAPIError

from db import connections, runs
from domain.forecast import polling_seconds
from domain.runs import Mode
from workers.broker import send_step
from workers.forecasting import forecast
from workers.logs import describe
from workers.resources import Resources, open_resources

log = structlog.get_logger(__name__)

#: How often the clock ticks; a tick that finds nothing due costs two indexed statements.
_TICK_SECONDS = 1.0


def run_scheduler() -> None:
    """Ticks until SIGTERM or SIGINT. A tick that fails is logged, and the next one makes up for it."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with open_resources("booksync scheduler") as resources:
        log.info("The scheduler ticks", action="scheduler.started")
        while not stopped.is_set():
            try:
                tick(resources)
            except DBAPIError as error:
                log.error("The tick failed", action="scheduler.tick_failed", error=describe(error))
            stopped.wait(_TICK_SECONDS)
        log.info("The scheduler has stopped", action="scheduler.stopped")


def tick(resources: Resources) -> None:
    """Sends what is overdue again, then starts what is due: commit, then send."""
    sweep(resources)
    _start_due(resources)


def sweep(resources: Resources) -> None:
    """Sends the steps again whose message is overdue."""
    with resources.engine.begin() as connection:
        overdue = runs.sweep(connection, sweep_seconds=resources.settings.sweep_interval_seconds)
    for step in overdue:
        log.info("An overdue step is sent again", action="step.swept", run_id=str(step.run_id), step=step.step)
        send_step(resources.broker, step)


def _stretch(resources: Resources, connection_ids: Sequence[uuid.UUID]) -> None:
    """On a small plan the next sync comes later: idle polling keeps to its share of the day's calls."""
    settings = resources.settings
    for connection_id in connection_ids:
        with resources.engine.begin() as connection:
            link = connections.link(connection, connection_id)
            outlook = forecast(resources, connection, link)
            seconds = polling_seconds(
                settings.sync_interval_seconds,
                settings.full_sync_interval_seconds,
                outlook.size,
                day_limit=outlook.budget.day_limit if outlook.budget else None,
                connections=connections.count_of_organization(connection, link.organization_id),
            )
            if seconds > settings.sync_interval_seconds:
                connections.set_next_sync(connection, connection_id, seconds=seconds)


def _start_due(resources: Resources) -> None:
    settings = resources.settings
    with resources.engine.begin() as connection:
        due = connections.take_due(
            connection,
            sync_interval_seconds=settings.sync_interval_seconds,
            full_sync_interval_seconds=settings.full_sync_interval_seconds,
        )
        started = [
            runs.start(
                connection,
                connection_id,
                Mode.FULL if is_full else Mode.INCREMENTAL,
                allow_deletions=False,
                sweep_seconds=settings.sweep_interval_seconds,
            )
            for connection_id, is_full in due
        ]
    _stretch(resources, [connection_id for connection_id, _ in due])
    for step in started:
        if step is not None:
            log.info("A run starts", action="run.started", run_id=str(step.run_id))
            send_step(resources.broker, step)
