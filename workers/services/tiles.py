"""The tiles of the overview: Postgres, Redis, workers, schedulers and web processes, each with its worst trouble."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.processes import Kind
from workers.services.doctor.findings import Finding, Part, Severity, counted, span
from workers.services.overview import Overview


@dataclass(frozen=True, slots=True)
class Tile:
    """One part of the installation: its name, how bad its worst trouble is, the main figure, and further ones."""

    name: str
    severity: Severity
    figure: str
    details: Sequence[str]


def tiles(overview: Overview) -> list[Tile]:
    """Return the tiles in their order."""
    return [_postgres(overview), _redis(overview), *(_processes(overview, kind) for kind in Kind)]


_POSTGRES: Final = (Part.POSTGRES, Part.SCHEMA, Part.KEYS)


def _postgres(overview: Overview) -> Tile:
    facts = overview.facts
    used = f"{facts.health.connections} of {facts.health.most_connections} connections"
    severity = _worst(each for each in overview.checkup.findings if each.part in _POSTGRES)
    return Tile("Postgres", severity, f"version {facts.server.version}", [used])


def _redis(overview: Overview) -> Tile:
    redis = overview.redis
    severity = _worst(each for each in overview.checkup.findings if each.part is Part.REDIS)
    if redis.state.refusal is not None:
        return Tile("Redis", severity, redis.state.refusal.state, [])
    messages = sum(ready for ready, _ in redis.queues.values())
    used = redis.state.used_memory_bytes
    memory = [] if used is None else [f"{used / 2**20:,.0f} MB used"]
    return Tile("Redis", severity, "works", [*memory, f"{counted(messages, 'message')} ready"])


_NAMES: Final = {Kind.WORKER: "Workers", Kind.SCHEDULER: "Schedulers", Kind.WEB: "Web processes"}

#: The troubles of processes by what their names contain; other troubles belong to the processes that they are about.
_ABOUT: Final = {Kind.WORKER: ("worker", "hanging"), Kind.SCHEDULER: ("scheduler",), Kind.WEB: ("web",)}


def _processes(overview: Overview, kind: Kind) -> Tile:
    rows = overview.facts.processes
    running, silent = rows.running(kind), rows.silent(kind)
    severity = _worst(
        each
        for each in overview.checkup.findings
        if each.part is Part.PROCESSES and any(word in each.name for word in _ABOUT[kind])
    )
    details = []
    if running:
        details.append(counted(sum(each.threads for each in running), "thread"))
    if busy := sum(len(each.activities) for each in running):
        details.append(f"{busy} busy")
    if silent:
        details.append(f"{len(silent)} silent")
        severity = Severity.WARNING if severity is Severity.OK else severity
    if kind is Kind.SCHEDULER and (silence := overview.facts.scheduler_silent_seconds) is not None:
        details.append(f"last tick {span(silence)} ago")
    return Tile(_NAMES[kind], severity, f"{len(running)} running", details)


def _worst(findings: Iterable[Finding]) -> Severity:
    found = {each.severity for each in findings}
    return next((each for each in Severity if each in found), Severity.OK)
