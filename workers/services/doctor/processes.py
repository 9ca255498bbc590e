"""Checks of the processes: no worker, no scheduler, no web process, hanging, silent, other keys, another client."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from db import scheduler_marks
from domain.processes import Hang, Kind, Process, Processes
from workers.observability.worker_states import NONE_REPORTS, WorkerReport, WorkerState, troubles
from workers.services.doctor.findings import Finding, Part, error, span, warning

#: The most processes that one sentence names.
_NAMES_SHOWN: Final = 3

#: The silence of the schedulers that is a trouble if no scheduler has a row: two of their heartbeats.
_SHORT_SILENCE_SECONDS: Final = 30.0

_START: Final = {
    Kind.WORKER: "dramatiq workers.main",
    Kind.SCHEDULER: "booksync scheduler",
    Kind.WEB: "uvicorn workers.web.app:app",
}

_NOUNS: Final = {
    Kind.WORKER: ("worker", "workers"),
    Kind.SCHEDULER: ("scheduler", "schedulers"),
    Kind.WEB: ("web process", "web processes"),
}


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What is known about the processes of an installation."""

    rows: Processes  #: the rows in Postgres
    reports: Sequence[WorkerReport] | None  #: the workers' reports in Redis; None while Redis is unavailable
    scheduler_silent_seconds: float | None  #: since the last tick of any scheduler; None if none ever ticked
    lease_seconds: float  #: CLAIM_SECONDS


def check_processes(facts: ProcessFacts) -> list[Finding]:
    """Return the troubles of all processes."""
    return [*check_workers(facts), *check_scheduler(facts), *check_web(facts), *check_silent(facts)]


def check_workers(facts: ProcessFacts) -> list[Finding]:
    """Return the troubles of workers: none runs, one takes no work, one hangs, one has other settings."""
    absent = _no_worker(facts)
    found = [] if absent is None else [absent]
    for trouble in troubles(facts.reports or ()):
        found.append(
            error(
                Part.PROCESSES,
                f"worker_{trouble.state}",
                trouble.sentence,
                cause="its settings or its release differ from those of the installation",
                next_step=trouble.way_out,
            )
        )
    return [*found, *_hanging(facts), *_other_settings(facts)]


def check_scheduler(facts: ProcessFacts) -> list[Finding]:
    """Return the trouble of an installation whose schedulers do not tick."""
    silence = facts.scheduler_silent_seconds
    is_running = bool(facts.rows.running(Kind.SCHEDULER))
    # A scheduler of an older release has no row. Where schedulers have rows, a missing one needs less proof.
    has_rows = facts.rows.last_seen(Kind.SCHEDULER) is not None
    longest = _SHORT_SILENCE_SECONDS if has_rows and not is_running else scheduler_marks.LONGEST_SILENCE_SECONDS
    if silence is not None and silence <= longest:
        return []
    ticked = "has never ticked" if silence is None else f"has not ticked for {span(silence)}"
    return [
        error(
            Part.PROCESSES,
            "no_scheduler",
            f"The scheduler {ticked}, so no sync starts automatically",
            cause="its ticks fail, or it hangs" if is_running else "no scheduler runs",
            next_step="look at the scheduler's log" if is_running else _START[Kind.SCHEDULER],
            since=None if silence is None else facts.rows.now - timedelta(seconds=silence),
        )
    ]


def check_web(facts: ProcessFacts) -> list[Finding]:
    """Return the trouble of an installation without a web process."""
    if facts.rows.running(Kind.WEB):
        return []
    seen = facts.rows.last_seen(Kind.WEB)
    if seen is None:
        return [
            warning(
                Part.PROCESSES,
                "no_web",
                "No web process has ever run, so webhooks are not received",
                cause="none was started with this database",
                next_step=_START[Kind.WEB],
            )
        ]
    return [
        error(
            Part.PROCESSES,
            "no_web",
            f"No web process has run for {_ago(facts, seen)}, so webhooks are not received",
            cause="it has ended, was killed, or cannot reach Postgres",
            next_step=_START[Kind.WEB],
            since=seen,
        )
    ]


def check_silent(facts: ProcessFacts) -> list[Finding]:
    """Return the trouble of processes that ended without a regular end, or hang with all their threads."""
    hanging = {hang.process.process_id for hang in facts.rows.hanging(longest_seconds=facts.lease_seconds)}
    silent = [each for each in facts.rows.silent() if each.process_id not in hanging]
    if not silent:
        return []
    since = min(each.seen_at for each in silent)
    return [
        warning(
            Part.PROCESSES,
            "silent_process",
            f"{_counted_kinds(silent)} not reported for {_ago(facts, since)}",
            cause="killed without a regular end, hanging, or without a connection to Postgres",
            next_step=f"look at the end of the log of {_names(silent)}",
            since=since,
        )
    ]


def _no_worker(facts: ProcessFacts) -> Finding | None:
    """The trouble of an installation without a worker; None if one runs, or if nothing is known about workers.

    Workers of an older release report to Redis only.
    """
    if facts.reports or facts.rows.running(Kind.WORKER):
        return None
    seen = facts.rows.last_seen(Kind.WORKER)
    if seen is None and facts.reports is None:
        return None
    absent = NONE_REPORTS if seen is None else f"No worker has run for {_ago(facts, seen)}"
    return error(
        Part.PROCESSES,
        "no_worker",
        f"{absent}, so nothing is synced",
        cause="no worker process was started, or all have ended",
        next_step=_START[Kind.WORKER],
        since=seen,
        brief=absent,
    )


def _hanging(facts: ProcessFacts) -> Iterator[Finding]:
    for hang in facts.rows.hanging(longest_seconds=facts.lease_seconds):
        activity = hang.activity
        yield error(
            Part.PROCESSES,
            "hanging",
            f"A {hang.process.kind} hangs in {activity.sentence} since {activity.since:%H:%M:%S} UTC",
            cause=_why_it_hangs(facts, hang),
            next_step=f"look at the log of {hang.process.name}, then restart it; another worker does the step again",
            since=activity.since,
            brief=f"A {hang.process.kind} hangs since {activity.since:%H:%M:%S} UTC",
        )


def _why_it_hangs(facts: ProcessFacts, hang: Hang) -> str:
    if hang.is_silent:
        return f"the process has not reported for {_ago(facts, hang.process.seen_at)}: it was killed, or it is frozen"
    return f"the thread has not renewed its lease of {facts.lease_seconds:.0f} s: a call or a statement does not end"


def _other_settings(facts: ProcessFacts) -> Iterator[Finding]:
    """The processes whose keys or client differ, without the workers that report that their keys are refused."""
    refused = {each.worker for each in facts.reports or () if each.state is WorkerState.KEYS_REFUSED}
    keys = [each for each in facts.rows.with_other_keys() if each.name not in refused]
    if keys:
        yield error(
            Part.PROCESSES,
            "other_keys",
            f"{_counted_kinds(keys)} other ENCRYPTION_KEYS than the rest",
            cause="the setting was changed for some processes only",
            next_step=f"give {_names(keys)} the ENCRYPTION_KEYS of the other processes, and restart",
        )
    if client := facts.rows.with_other_client():
        yield warning(
            Part.PROCESSES,
            "other_client",
            f"{_counted_kinds(client)} another ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET than the rest",
            cause="the settings were changed for some processes only",
            next_step=f"give {_names(client)} both settings of the other processes, and restart",
        )


def _counted_kinds(found: Sequence[Process]) -> str:
    """The processes with the verb: "1 worker has", "2 processes have"."""
    kinds = {each.kind for each in found}
    one, many = _NOUNS[kinds.pop()] if len(kinds) == 1 else ("process", "processes")
    return f"1 {one} has" if len(found) == 1 else f"{len(found)} {many} have"


def _names(found: Sequence[Process]) -> str:
    shown = [f"{each.kind} {each.name}" for each in found[:_NAMES_SHOWN]]
    others = [f"{len(found) - _NAMES_SHOWN} more"] if len(found) > _NAMES_SHOWN else []
    return ", ".join([*shown, *others])


def _ago(facts: ProcessFacts, moment: datetime) -> str:
    return span((facts.rows.now - moment).total_seconds())
