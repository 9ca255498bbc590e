"""Checks of the work: failed, degraded and waiting runs, the queue, dead letters, rejected rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from db import summary
from workers.queue import Queue
from workers.services.doctor.connections import ConnectionFacts
from workers.services.doctor.findings import Finding, Part, counted, error, span, warning

#: A message that has waited for longer than this shows that the workers are too few, or hang.
LONGEST_WAIT_SECONDS: Final = 60.0
#: With this number of messages in a queue, the workers are behind by minutes.
MANY_MESSAGES: Final = 1000

#: How the reason of a wait begins (`waiting_for`) if the disk of Postgres is full.
_DISK_FULL: Final = "no disk space"


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What is known about the work of all connections."""

    connections: Sequence[ConnectionFacts] = ()
    dead_letters: int = 0
    dead_letters_since: datetime | None = None  #: the first failure of the oldest one; None if it was not read
    #: Queue → its ready messages and the seconds of its oldest one; empty while Redis is unavailable.
    queues: Mapping[Queue, tuple[int, float]] = field(default_factory=dict)


def check_runs(facts: WorkFacts) -> list[Finding]:
    """Return the troubles of runs, queues, dead letters and rejected rows."""
    of_connections = (finding for each in facts.connections for finding in (*_last_run(each), *_rejected(each)))
    return [*of_connections, *_queues(facts), *_dead_letters(facts)]


def _last_run(facts: ConnectionFacts) -> Iterator[Finding]:
    if not facts.runs:
        return
    run, connection_id = facts.runs[0], facts.connection_id
    if run["status"] == "failed":
        yield error(
            Part.RUNS,
            "run_failed",
            f"The last run of connection {connection_id} has failed",
            cause=(run["reason"] or "an error that booksync does not know").rstrip("."),
            next_step="booksync dead-letters list, and the worker's log",
            since=run["finished_at"],
        )
    elif run["status"] == "degraded":
        yield warning(
            Part.RUNS,
            "run_degraded",
            f"The last run of connection {connection_id} is degraded: a part of it was left undone",
            cause=(run["reason"] or "a step was given up").rstrip("."),
            next_step="nothing, if the next run succeeds; else booksync dead-letters list",
            since=run["finished_at"],
        )
    elif run["waiting_for"] == summary.WORKER:
        yield error(
            Part.RUNS,
            "waits_for_worker",
            f"The run of connection {connection_id} waits for a worker",
            cause="no worker runs or is free, or the workers have another REDIS_URL",
            next_step="dramatiq workers.main",
            since=run["started_at"],
        )
    elif run["waiting_for"] and _DISK_FULL in run["waiting_for"]:
        yield error(
            Part.POSTGRES,
            "postgres_disk",
            "Postgres has no disk space left",
            cause=f"the run of connection {connection_id} could not write",
            next_step="free some; the work continues by itself after that",
        )
    elif run["status"] == "running" and run["attempts"] > 1 and run["waiting_for"]:
        yield warning(
            Part.RUNS,
            "run_retries",
            f"A step of the run of connection {connection_id} fails again and again",
            cause=f"after {run['attempts']} attempts it waits for {run['waiting_for']}".rstrip("."),
            next_step="the worker's log has the reason (action step.retry)",
            since=run["started_at"],
        )


def _rejected(facts: ConnectionFacts) -> Iterator[Finding]:
    rejected = facts.state["cached"]["rejected"]
    if rejected:
        yield warning(
            Part.RUNS,
            "rejected_rows",
            f"Connection {facts.connection_id} has {counted(rejected, 'rejected row')}",
            cause="Zoho returned values that booksync does not understand",
            next_step="look at these records in Zoho: booksync.rejected_records has their ids and the reasons",
        )


def _queues(facts: WorkFacts) -> Iterator[Finding]:
    for queue, (messages, seconds) in facts.queues.items():
        if messages >= MANY_MESSAGES or (messages and seconds > LONGEST_WAIT_SECONDS):
            yield warning(
                Part.RUNS,
                "queue_piles_up",
                f"The queue {queue} piles up: {counted(messages, 'message')}, the oldest due for {span(seconds)}",
                cause="the workers are too few for the work, or they hang",
                next_step="start more workers: dramatiq workers.main",
            )


def _dead_letters(facts: WorkFacts) -> Iterator[Finding]:
    if facts.dead_letters:
        yield warning(
            Part.RUNS,
            "dead_letters",
            f"A person must decide about {counted(facts.dead_letters, 'dead letter')}",
            cause="steps or refreshes have failed in all their attempts",
            next_step="booksync dead-letters list",
            since=facts.dead_letters_since,
        )
