"""The scheduler: it sends overdue work again and starts due runs. Several schedulers may run at once."""

import random
import signal
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

import redis
import structlog

from db import (
    clock,
    connections,
    due_work,
    refreshes,
    runs,
    scheduler_marks,
    sync_schedule,
)
from db.connections import UnknownConnectionError
from db.failures import DatabaseError, FailureKind, failure_of
from db.runs import StepRef
from db.session import Session, autocommit
from db.webhook_events import Due
from domain.forecast import polling_seconds
from domain.nights import seconds_to_full_sync
from domain.processes import Kind
from domain.runs import Mode
from domain.time_zones import zone_named
from workers.boot.process_rows import process_row
from workers.boot.resources import Resources, open_resources
from workers.boot.schema import wait_for_schema
from workers.boot.servers import log_redis
from workers.boot.settings import Settings
from workers.handover.posting import posting
from workers.observability.activities import own_activities
from workers.observability.logs import describe
from workers.queue import Queue, ready_messages, send_refresh, send_step
from workers.secrets.missing_grants import adopt_some
from workers.services.forecast import budget_of, size_of
from workers.services.pruning import prune
from workers.webhooks.flood_runs import bring_runs_forward

log = structlog.get_logger(__name__)

#: The time to the next tick after one with due work.
_TICK_SECONDS = 1.0

#: The least and the longest time to the next tick after one without due work. A tick without due work is one statement.
#: Other processes add work whose time the tick could not know, so this limits its delay.
_SHORTEST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 2.0

#: The interval of the heartbeat that all schedulers share.
_BEAT_SECONDS = 15.0

#: The random part of the incremental sync interval (as a share), so that the connections' syncs spread.
_SPREAD = 0.1

#: With this many unread messages, a delay is caused by the workers' load and not by a lost message. So no message is
#: sent again.
_ENOUGH_MESSAGES = 200

_UPKEEP_SECONDS = 3600.0
_PRUNE = "prune"
_GRANTS = "grants"

#: The periodic tasks: the names of their marks, and their intervals.
_EVERY_SECONDS = {scheduler_marks.TICK: _BEAT_SECONDS, _PRUNE: _UPKEEP_SECONDS, _GRANTS: _UPKEEP_SECONDS}


def run_scheduler() -> None:
    """Run the scheduler's ticks until SIGTERM or SIGINT. A failed tick is logged, and the next tick catches up.

    Raises:
        SchemaTooNewError: a later release has migrated the database.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with (
        open_resources("booksync scheduler") as resources,
        process_row(Kind.SCHEDULER, resources, threads=1),
    ):
        wait_for_schema(resources.engine, stopped.wait)
        log_redis(resources.redis)
        log.info("The scheduler has started", action="scheduler.started")
        with posting(resources):
            keeps_to_interval = False
            while not stopped.is_set():
                pause = _TICK_SECONDS
                try:
                    if not keeps_to_interval:
                        _keep_to_interval(resources)
                        keeps_to_interval = True
                    with own_activities.during("tick"):
                        pause = tick(resources)
                except DatabaseError as error:
                    _log_failure(resources, error)
                    if failure_of(error).kind is FailureKind.SCHEMA:
                        wait_for_schema(resources.engine, stopped.wait)
                stopped.wait(pause)
        log.info("The scheduler has stopped", action="scheduler.stopped")


def _log_failure(resources: Resources, error: Exception) -> None:
    failure = failure_of(error)
    log.error(
        "A tick of the scheduler has failed; the scheduler tries again at its next tick",
        action="scheduler.tick_failed",
        error=describe(error),
        kind=failure.kind,
        reason=failure.sentence(resources.engine.url),
    )


def tick(resources: Resources) -> float:
    """Send the messages of overdue work again, then start due runs. Returns the seconds to the next tick.

    Each message is sent after the commit of its row. One query finds the kinds of work that are due, so that a tick
    with nothing to do costs only this query.
    """
    with autocommit(resources.engine) as db:
        found = due_work.look(db, _EVERY_SECONDS)
    if found.sweep_in <= 0:
        sweep(resources)
    if found.has_waiting_records:
        _sweep_refreshes(resources)
        bring_runs_forward(resources)
    if found.has_waiting_records or found.sync_in <= 0:
        _start_due(resources)
    _keep_house(resources, found.due_tasks)
    return _TICK_SECONDS if found.is_any else min(max(found.next_in, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)


def _keep_to_interval(resources: Resources) -> None:
    """Apply a shortened sync interval to the connections now, instead of after their next sync."""
    with resources.engine.begin() as db:
        longest = resources.settings.sync_interval_seconds * (1 + _SPREAD)
        sync_schedule.bring_syncs_forward(db, seconds=longest)


def sweep(resources: Resources) -> None:
    """Send the messages of overdue run steps again.

    No message is sent while `_ENOUGH_MESSAGES` messages of steps wait for the workers. Without a worker the copies
    would fill Redis, and the workers that come back cannot empty a full Redis.
    """
    if _are_messages_left(resources, Queue.API, Queue.DATABASE):
        return
    with resources.engine.begin() as db:
        overdue = runs.sweep(db, sweep_seconds=resources.settings.sweep_interval_seconds)
    for step in overdue:
        log.info(
            "The message of an overdue run step is sent again",
            action="step.swept",
            run_id=str(step.run_id),
            step=step.step,
        )
        send_step(resources.broker, step)


def _sweep_refreshes(resources: Resources) -> None:
    """Send the refresh messages of the records that are due, and send those of overdue records again.

    No message is sent while `_ENOUGH_MESSAGES` messages wait for the workers.
    """
    if _are_messages_left(resources, Queue.INTERACTIVE):
        return
    with resources.engine.begin() as db:
        overdue = refreshes.sweep(db, sweep_seconds=resources.settings.sweep_interval_seconds)
        due = refreshes.take_turn(db)
    if overdue:
        log.info(
            "The messages of overdue record refreshes are sent again", action="refresh.swept", records=len(overdue)
        )
    for each in [*(Due(ref, 0.0) for ref in overdue), *due]:
        send_refresh(resources.broker, each)


def _are_messages_left(resources: Resources, *queues: Queue) -> bool:
    """Whether at least `_ENOUGH_MESSAGES` messages of these queues wait for the workers, or Redis cannot be read."""
    try:
        return sum(ready_messages(resources.redis, queue) for queue in queues) >= _ENOUGH_MESSAGES
    except redis.RedisError:
        return True  # Without Redis no message could be sent.


def _keep_house(resources: Resources, due_tasks: Sequence[str]) -> None:
    """Write the schedulers' heartbeat. Once per `_UPKEEP_SECONDS`, delete old history and make missing grants."""
    if scheduler_marks.TICK in due_tasks:
        with autocommit(resources.engine) as db:
            scheduler_marks.take(db, scheduler_marks.TICK, every_seconds=_BEAT_SECONDS)
    if _PRUNE in due_tasks:
        _keep_up(resources, _PRUNE, lambda: prune(resources.engine))
    if _GRANTS in due_tasks:
        # The former release makes connections without a grant.
        _keep_up(resources, _GRANTS, lambda: adopt_some(resources.engine, resources.vault))


def _keep_up(resources: Resources, name: str, do_batch: Callable[[], bool]) -> None:
    """Do one batch of this periodic task, unless another scheduler does it.

    `do_batch` returns False if more is left. Further ticks do the rest, so that this one does not delay due runs.
    """
    with autocommit(resources.engine) as db:
        is_mine = scheduler_marks.take(db, name, every_seconds=_UPKEEP_SECONDS)
    if is_mine and not do_batch():
        with autocommit(resources.engine) as db:
            scheduler_marks.make_due(db, name)


def _set_next_syncs(resources: Resources, connection_ids: Sequence[uuid.UUID]) -> None:
    """Set the times of the connections' next syncs, with a random part.

    One statement writes all of them, because a commit for each would limit the syncs that a scheduler can start.
    """
    with autocommit(resources.engine) as db:
        seconds = {}
        for connection_id in connection_ids:
            # A connection that was erased in the meantime has no next sync.
            with suppress(UnknownConnectionError):
                spread = random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
                seconds[connection_id] = _polling_seconds(resources, db, connection_id) * spread
        sync_schedule.set_next_syncs(db, seconds)


def _polling_seconds(resources: Resources, db: Session, connection_id: uuid.UUID) -> float:
    """The seconds to the connection's next sync.

    If the organisation's calls of a day are few, this is more than the sync interval, so that regular syncs do not use
    up the day's calls.
    """
    settings = resources.settings
    connection = connections.connection(db, connection_id)
    budget = budget_of(resources, connection.organization_id)
    return polling_seconds(
        settings.sync_interval_seconds,
        settings.full_sync_interval_seconds,
        size_of(db, connection),
        day_limit=budget.day_limit if budget else None,
        connections=sync_schedule.count_of_organization(db, connection.organization_id),
    )


def _start_due(resources: Resources) -> None:
    settings = resources.settings
    with resources.engine.begin() as db:
        due = sync_schedule.take_due(
            db,
            sync_interval_seconds=settings.sync_interval_seconds,
            full_sync_interval_seconds=settings.full_sync_interval_seconds,
        )
        started = sync_schedule.start_runs(
            db, [each for each, is_full in due if not is_full], sweep_seconds=settings.sweep_interval_seconds
        )
        started += [step for each, is_full in due if is_full and (step := _start_full(db, settings, each))]
    _set_next_syncs(resources, [connection_id for connection_id, _ in due])
    for step in started:
        log.info("The sync of a connection is due, so a run starts", action="run.started", run_id=str(step.run_id))
        send_step(resources.broker, step)


def _start_full(db: Session, settings: Settings, connection_id: uuid.UUID) -> StepRef | None:
    step = runs.start(
        db,
        connection_id,
        Mode.FULL,
        allow_deletions=False,
        is_scheduled=True,
        sweep_seconds=settings.sweep_interval_seconds,
    )
    if step is None:
        # The full sync stays due tonight, because another run is active and may be incremental.
        sync_schedule.set_next_full_sync(db, connection_id, seconds=0)
    else:
        _set_next_full_sync(db, connection_id, settings.full_sync_interval_seconds)
    return step


def _set_next_full_sync(db: Session, connection_id: uuid.UUID, interval_seconds: float) -> None:
    """Set the time of the connection's next full sync.

    If full syncs are nightly, the time lies in the organisation's night, even if the present full sync began late.
    """
    zone = zone_named(connections.connection(db, connection_id).time_zone)
    seconds = seconds_to_full_sync(clock.present(db), interval_seconds, zone, connection_id)
    sync_schedule.set_next_full_sync(db, connection_id, seconds=seconds)
