"""The clock of booksync: sends what is overdue again, and starts the runs that are due. Any number of them may tick."""

import random
import signal
import threading
import uuid
from collections.abc import Sequence
from types import FrameType

import redis
import structlog
from sqlalchemy import Connection

from db import clock, connections, dead_letters, resyncs, run_history, runs, scheduler_marks, webhook_events
from db.failures import DatabaseError, FailureKind, failure_of
from db.runs import StepRef
from db.webhook_events import Due
from domain.forecast import polling_seconds
from domain.nights import seconds_to_full_sync
from domain.runs import Mode
from domain.time_zones import zone_named
from workers.boot.resources import Resources, open_resources
from workers.boot.schema import wait_for_schema
from workers.boot.servers import log_redis
from workers.boot.settings import Settings
from workers.handover.posting import posting
from workers.observability.logs import describe
from workers.queue import Queue, ready_messages, send_resync, send_step
from workers.services.forecast import forecast
from workers.webhooks.flood_runs import bring_runs_forward

log = structlog.get_logger(__name__)

#: How often the clock ticks; a tick that finds nothing due costs a few indexed statements.
_TICK_SECONDS = 1.0

#: How often all schedulers together leave a sign of life.
_BEAT_SECONDS = 5.0

#: Incremental syncs come that much earlier or later than their interval, so that they spread by themselves.
_SPREAD = 0.1

#: With so many records sent and not taken, nothing is gained by sending more of them again.
_ENOUGH_MESSAGES = 200

_PRUNE_SECONDS = 3600.0
#: How long runs and webhook events are kept, and dead letters after they were closed; of each connection's runs, the
#: last ones stay however old they are, and so does every open letter.
_RUN_DAYS = 30.0
_RUNS_KEPT = 20
_EVENT_DAYS = 7.0
_LETTER_DAYS = 30.0


def run_scheduler() -> None:
    """Ticks until SIGTERM or SIGINT. A tick that fails is logged, and the next one makes up for it.

    Raises:
        SchemaTooNewError: a later release has migrated the database.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with open_resources("booksync scheduler") as resources:
        wait_for_schema(resources.engine, stopped.wait)
        log_redis(resources.redis)
        log.info("The scheduler ticks", action="scheduler.started")
        with posting(resources):
            keeps_to_interval = False
            while not stopped.is_set():
                try:
                    if not keeps_to_interval:
                        _keep_to_interval(resources)
                        keeps_to_interval = True
                    tick(resources)
                except DatabaseError as error:
                    _log_failure(resources, error)
                    if failure_of(error).kind is FailureKind.SCHEMA:
                        wait_for_schema(resources.engine, stopped.wait)
                stopped.wait(_TICK_SECONDS)
        log.info("The scheduler has stopped", action="scheduler.stopped")


def _log_failure(resources: Resources, error: Exception) -> None:
    failure = failure_of(error)
    log.error(
        "The tick failed",
        action="scheduler.tick_failed",
        error=describe(error),
        kind=failure.kind,
        reason=failure.sentence(resources.engine.url),
    )


def tick(resources: Resources) -> None:
    """Sends what is overdue again, then starts what is due: commit, then send."""
    sweep(resources)
    _sweep_resyncs(resources)
    bring_runs_forward(resources)
    _start_due(resources)
    _keep_house(resources)


def _keep_to_interval(resources: Resources) -> None:
    """An interval that was made shorter holds from now on, not after the next sync."""
    with resources.engine.begin() as connection:
        longest = resources.settings.sync_interval_seconds * (1 + _SPREAD)
        connections.bring_syncs_forward(connection, seconds=longest)


def sweep(resources: Resources) -> None:
    """Sends the steps again whose message is overdue."""
    with resources.engine.begin() as connection:
        overdue = runs.sweep(connection, sweep_seconds=resources.settings.sweep_interval_seconds)
    for step in overdue:
        log.info("An overdue step is sent again", action="step.swept", run_id=str(step.run_id), step=step.step)
        send_step(resources.broker, step)


def _sweep_resyncs(resources: Resources) -> None:
    """Sends the records that webhooks have told of: those whose turn has come, and again those that nobody has taken.

    Unless workers are busy with others.
    """
    if _are_messages_left(resources):
        return
    with resources.engine.begin() as connection:
        overdue = resyncs.sweep(connection, sweep_seconds=resources.settings.sweep_interval_seconds)
        due = resyncs.take_turn(connection)
    if overdue:
        log.info("Overdue records are sent again", action="resync.swept", records=len(overdue))
    for each in [*(Due(ref, 0.0) for ref in overdue), *due]:
        send_resync(resources.broker, each)


def _are_messages_left(resources: Resources) -> bool:
    """Whether the workers have enough to do: what waits longer then waits for them, not for its message."""
    try:
        return ready_messages(resources.redis, Queue.INTERACTIVE) >= _ENOUGH_MESSAGES
    except redis.RedisError:
        return True  # Nothing could be sent.


def _keep_house(resources: Resources) -> None:
    """Leaves a sign of life, and forgets old history now and then."""
    with resources.engine.begin() as connection:
        scheduler_marks.take(connection, scheduler_marks.TICK, every_seconds=_BEAT_SECONDS)
    with resources.engine.begin() as connection:
        if scheduler_marks.take(connection, "prune", every_seconds=_PRUNE_SECONDS):
            pruned_runs = run_history.prune(connection, days=_RUN_DAYS, kept=_RUNS_KEPT)
            events = webhook_events.prune(connection, days=_EVENT_DAYS)
            letters = dead_letters.prune(connection, days=_LETTER_DAYS)
            log.info(
                "Old history is forgotten", action="history.pruned", runs=pruned_runs, events=events, letters=letters
            )


def _set_next_syncs(resources: Resources, connection_ids: Sequence[uuid.UUID]) -> None:
    """When the next syncs come: spread, and on a small plan later, so that polling keeps to its share of the calls."""
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
            spread = random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
            connections.set_next_sync(connection, connection_id, seconds=seconds * spread)


def _start_due(resources: Resources) -> None:
    settings = resources.settings
    with resources.engine.begin() as connection:
        due = connections.take_due(
            connection,
            sync_interval_seconds=settings.sync_interval_seconds,
            full_sync_interval_seconds=settings.full_sync_interval_seconds,
        )
        started = [_start(connection, settings, connection_id, is_full=is_full) for connection_id, is_full in due]
    _set_next_syncs(resources, [connection_id for connection_id, _ in due])
    for step in started:
        if step is not None:
            log.info("A run starts", action="run.started", run_id=str(step.run_id))
            send_step(resources.broker, step)


def _start(connection: Connection, settings: Settings, connection_id: uuid.UUID, *, is_full: bool) -> StepRef | None:
    step = runs.start(
        connection,
        connection_id,
        Mode.FULL if is_full else Mode.INCREMENTAL,
        allow_deletions=False,
        is_scheduled=True,
        sweep_seconds=settings.sweep_interval_seconds,
    )
    if is_full and step is None:
        # Somebody's sync came in between, and may be no full one: this night's is still due.
        connections.set_next_full_sync(connection, connection_id, seconds=0)
    elif is_full:
        _set_next_full_sync(connection, connection_id, settings.full_sync_interval_seconds)
    return step


def _set_next_full_sync(connection: Connection, connection_id: uuid.UUID, interval_seconds: float) -> None:
    """Of a nightly full sync the next one comes in the organisation's night, however late this one is."""
    zone = zone_named(connections.link(connection, connection_id).time_zone)
    seconds = seconds_to_full_sync(clock.present(connection), interval_seconds, zone, connection_id)
    connections.set_next_full_sync(connection, connection_id, seconds=seconds)
