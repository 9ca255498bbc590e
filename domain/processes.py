"""The running processes of booksync as their rows describe them, and what is wrong with them."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

#: The interval at which a process renews its row.
BEAT_SECONDS: Final = 15.0

#: After this time without a renewal a process does not count as running.
LONGEST_SILENCE_SECONDS: Final = 45.0

#: A process that is silent for longer than this is taken for dead; before, it may hang.
DEAD_AFTER_SECONDS: Final = 600.0

#: A clock that differs from Postgres's by more than this needs attention.
MOST_CLOCK_SECONDS: Final = 5.0

#: The fingerprint of a web process without Zoho's client.
NO_CLIENT: Final = ""


class Kind(StrEnum):
    """The kind of a process."""

    WORKER = "worker"
    SCHEDULER = "scheduler"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Activity:
    """What one thread of a process does, with ids only."""

    job: str  #: `step`, `refresh`, `delivery` or `tick`
    since: datetime
    progressed_at: datetime  #: the last renewal of the job's lease
    connection_id: str | None = None
    run_id: str | None = None
    phase: str | None = None
    step: int | None = None
    record: str | None = None  #: the entity and the id of a refreshed record, or the id of a handover

    @property
    def sentence(self) -> str:
        """The activity in words, without its times: "step 7 (contacts) of connection …"."""
        what = {
            "step": f"step {self.step} ({self.phase})",
            "refresh": f"the refresh of {self.record}",
            "delivery": f"the delivery of handover {self.record}",
        }.get(self.job, f"a {self.job}")
        return f"{what} of connection {self.connection_id}" if self.connection_id else what

    def as_json(self) -> dict[str, Any]:
        """The activity as JSON, without the keys that have no value."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Process:
    """One process, as its row in booksync.processes describes it. All times are Postgres's."""

    process_id: uuid.UUID
    kind: Kind
    host: str
    pid: int
    release: str
    threads: int
    started_at: datetime
    seen_at: datetime
    worked_at: datetime | None
    ended_at: datetime | None  #: the regular end; None for a process that runs or was killed
    keys: str  #: the fingerprint of ENCRYPTION_KEYS
    client: str  #: the fingerprint of ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET, or NO_CLIENT
    clock_ahead_seconds: float
    activities: Sequence[Activity] = ()

    @property
    def name(self) -> str:
        """The process as host:process id."""
        return f"{self.host}:{self.pid}"


@dataclass(frozen=True, slots=True)
class Hang:
    """A thread that has not renewed the lease of its work for too long, or a whole process that is silent."""

    process: Process
    activity: Activity
    is_silent: bool  #: whether the whole process has stopped to renew its row


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of an installation at one moment of Postgres's clock."""

    rows: Sequence[Process]
    now: datetime

    def running(self, kind: Kind | None = None) -> list[Process]:
        """The processes that have renewed their row lately."""
        return [
            each
            for each in self._of(kind)
            if each.ended_at is None and self._silence(each) <= timedelta(seconds=LONGEST_SILENCE_SECONDS)
        ]

    def silent(self, kind: Kind | None = None) -> list[Process]:
        """The processes that have stopped to renew their row lately, without a regular end: killed, or hanging."""
        shortest, longest = timedelta(seconds=LONGEST_SILENCE_SECONDS), timedelta(seconds=DEAD_AFTER_SECONDS)
        return [each for each in self._of(kind) if each.ended_at is None and shortest < self._silence(each) <= longest]

    def last_seen(self, kind: Kind) -> datetime | None:
        """When a process of this kind was last seen; None if the rows have none."""
        return max((each.ended_at or each.seen_at for each in self._of(kind)), default=None)

    def hanging(self, *, longest_seconds: float) -> list[Hang]:
        """The threads that had not renewed the lease of their work for `longest_seconds`, the length of a lease.

        The time counts up to the last renewal of the process's row, because later renewals of the lease are unknown.
        """
        longest = timedelta(seconds=longest_seconds)
        of_threads = [
            Hang(process, activity, is_silent=False)
            for process in self.running()
            for activity in process.activities
            if process.seen_at - activity.progressed_at > longest
        ]
        of_processes = [
            Hang(process, activity, is_silent=True) for process in self.silent() for activity in process.activities
        ]
        return of_threads + of_processes

    def with_other_keys(self) -> list[Process]:
        """The running processes whose ENCRYPTION_KEYS differ from those of most processes."""
        return _odd(self.running(), [each.keys for each in self.running()])

    def with_other_client(self) -> list[Process]:
        """The running processes whose ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET differs from that of most processes."""
        found = [each for each in self.running() if each.client != NO_CLIENT]
        return _odd(found, [each.client for each in found])

    def with_wrong_clock(self) -> list[Process]:
        """The running processes whose clock differs too much from Postgres's."""
        return [each for each in self.running() if abs(each.clock_ahead_seconds) > MOST_CLOCK_SECONDS]

    def _of(self, kind: Kind | None) -> Iterable[Process]:
        return (each for each in self.rows if kind is None or each.kind is kind)

    def _silence(self, process: Process) -> timedelta:
        return self.now - process.seen_at


def _odd(processes: Sequence[Process], values: Sequence[str]) -> list[Process]:
    """The processes whose value is not the most frequent one; all processes if two values are equally frequent."""
    counted = Counter(values).most_common(2)
    if len(counted) < 2:
        return []
    (frequent, count), (_, other) = counted
    return [process for process, value in zip(processes, values, strict=True) if value != frequent or count == other]
