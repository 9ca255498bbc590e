"""Findings of the doctor: one trouble each, with its part, its cause and the next step."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  #: work stands still, or data may be lost
    WARNING = "warning"  #: work goes on, but a person should act
    OK = "ok"


class Part(StrEnum):
    """The parts of an installation, in the order of the doctor's report."""

    SETTINGS = "settings"
    POSTGRES = "Postgres"
    SCHEMA = "schema"
    REDIS = "Redis"
    PROCESSES = "processes"
    CLOCKS = "clocks"
    KEYS = "keys"
    ZOHO = "Zoho"
    CONNECTIONS = "connections"
    RUNS = "runs"
    WEBHOOKS = "webhooks"
    REMINDERS = "reminders"


@dataclass(frozen=True, slots=True)
class Finding:
    """One trouble. The texts hold no secrets and no personal data.

    `what`, `cause` and `next_step` are clauses without a full stop.
    """

    severity: Severity
    part: Part
    name: str  #: the trouble for programs; it does not change between releases
    what: str
    cause: str
    next_step: str
    since: datetime | None = None
    connection_id: str = ""  #: the connection that has the trouble; "" for a trouble of the installation
    brief: str = ""  #: `what` without ids and hosts, for `/readyz`, which anyone can read; "" if `what` has none

    @property
    def line(self) -> str:
        """The finding without its cause, for `booksync status`."""
        return f"{self.what}. Next: {self.next_step}"

    @property
    def public(self) -> str:
        """The trouble without ids and hosts."""
        return self.brief or self.what

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON: {severity, part, name, what, cause, next_step, since}."""
        return {field: getattr(self, field) for field in self.__slots__ if field not in ("brief", "connection_id")}


def error(
    part: Part, name: str, what: str, *, cause: str, next_step: str, since: datetime | None = None, brief: str = ""
) -> Finding:
    """A trouble by which work stands still, or data may be lost."""
    return Finding(Severity.ERROR, part, name, what, cause, next_step, since, brief=brief)


def warning(part: Part, name: str, what: str, *, cause: str, next_step: str, since: datetime | None = None) -> Finding:
    """A trouble on which a person should act while work goes on."""
    return Finding(Severity.WARNING, part, name, what, cause, next_step, since)


def parted(sentence: str) -> tuple[str, str]:
    """The trouble and the next step of a sentence of the form "trouble: next step"; "" for a missing next step."""
    what, _, next_step = sentence.partition(": ")
    return what, next_step


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 worker", "3 workers"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(seconds: float) -> str:
    """A duration for people, in the largest unit of which there are at least two: "5 min", "90 s"."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
