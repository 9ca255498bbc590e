"""The reports of the worker processes: whether each worker accepts work, and why not.

The reports are in Redis, so a worker can report even if Postgres refuses it. A report expires, and its loss does no
harm.
"""

import json
import math
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import redis

#: The Redis key of the hash with all reports; a field is the name of a worker, its value is the report.
KEY: Final = "booksync:workers"

#: The interval of a worker's reports.
BEAT_SECONDS: Final = 8.0
#: A report expires after this time, so a killed worker disappears from the reports.
LONGEST_SILENCE_SECONDS: Final = 20.0

#: The lifetime of the report of a worker that refused to start. The lifetime is long, because the worker's supervisor
#: may restart it late.
ENDED_SECONDS: Final = 300.0

#: The sentence if no worker reports.
NONE_REPORTS: Final = f"No worker has reported for {LONGEST_SILENCE_SECONDS:.0f} s"

#: The most workers that one sentence names.
_NAMES_SHOWN: Final = 3


class WorkerState(StrEnum):
    """The state of a worker process, as it reports it."""

    STARTING = "starting"
    WORKING = "working"
    NO_DATABASE = "no_database"
    SCHEMA_TOO_OLD = "schema_too_old"  #: the worker waits for migrations of the database
    SCHEMA_TOO_NEW = "schema_too_new"  #: the worker has ended
    KEYS_REFUSED = "keys_refused"  #: the worker's ENCRYPTION_KEYS cannot read the stored secrets
    CLIENT_REFUSED = "client_refused"  #: Zoho refuses the worker's ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET

    @property
    def takes_work(self) -> bool:
        return self in (WorkerState.STARTING, WorkerState.WORKING, WorkerState.CLIENT_REFUSED)

    @property
    def is_in_order(self) -> bool:
        return self in (WorkerState.STARTING, WorkerState.WORKING)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """The last report of one worker process."""

    worker: str  #: the worker: host:process id; only the host if the process refused to start and has ended
    state: WorkerState
    seconds_ago: float

    def as_json(self) -> dict[str, Any]:
        """The report as JSON: {worker, state, takes_work, seconds_ago}."""
        return {
            "worker": self.worker,
            "state": self.state,
            "takes_work": self.state.takes_work,
            "seconds_ago": round(self.seconds_ago, 1),
        }


@dataclass(frozen=True, slots=True)
class Trouble:
    """Workers with the same problem, in words."""

    state: WorkerState
    sentence: str  #: the problem without host names, because anyone can read it in `/readyz`; without a full stop
    way_out: str


class OwnState:
    """The state of this worker process. The object is safe for threads; the event `changed` is set at each change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_gates = WorkerState.STARTING
        self._refusing_origins: set[str] = set()
        self.changed = threading.Event()

    def present(self) -> WorkerState:
        with self._lock:
            if self._of_gates is WorkerState.WORKING and self._refusing_origins:
                return WorkerState.CLIENT_REFUSED
            return self._of_gates

    def set(self, state: WorkerState) -> None:
        """Set the state that the gates have found. Unless it is WORKING, it takes precedence over a refusal by Zoho."""
        with self._lock:
            if state is not self._of_gates:
                self._of_gates = state
                self.changed.set()

    def client_refused(self, accounts_origin: str) -> None:
        """Record that Zoho's token endpoint at that origin refuses this process's client id or secret."""
        with self._lock:
            if accounts_origin not in self._refusing_origins:
                self._refusing_origins.add(accounts_origin)
                self.changed.set()

    def client_accepted(self, accounts_origin: str) -> None:
        """Record that Zoho's token endpoint at that origin has granted a token to this process."""
        with self._lock:
            if accounts_origin in self._refusing_origins:
                self._refusing_origins.remove(accounts_origin)
                self.changed.set()


#: The state of this process.
own_state = OwnState()


def own_name() -> str:
    """Return the name of this worker, host:process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def report(client: redis.Redis, worker: str, state: WorkerState, *, seconds: float = LONGEST_SILENCE_SECONDS) -> None:
    """Write the worker's report, which expires after `seconds`, and remove the expired reports.

    Raises:
        RedisError: Redis is unavailable.
    """
    now, found = _present(client)
    stale = [name for name, stored in found.items() if stored is None or not stored.counts(now)]
    written = json.dumps({"state": state, "at": now, "until": now + seconds})
    # No transaction, because each of these commands alone leaves a valid hash.
    with client.pipeline(transaction=False) as pipeline:
        if stale:
            pipeline.hdel(KEY, *stale)
        pipeline.hset(KEY, worker, written)
        pipeline.pexpire(KEY, int(ENDED_SECONDS * 1000))
        pipeline.execute()


def report_refused_start(client: redis.Redis, state: WorkerState) -> None:
    """Report under the host's name, without a process id, why this process ends at boot.

    A supervisor starts the worker again and again. With process ids, every start would count as a further worker.

    Raises:
        RedisError: Redis is unavailable.
    """
    withdraw(client, own_name())
    report(client, socket.gethostname(), state, seconds=ENDED_SECONDS)


def withdraw(client: redis.Redis, worker: str) -> None:
    """Remove the report of a worker that ends regularly.

    Raises:
        RedisError: Redis is unavailable.
    """
    client.hdel(KEY, worker)


def reports(client: redis.Redis) -> list[WorkerReport]:
    """Return the unexpired worker reports, sorted by worker, without those whose state this release does not know.

    Raises:
        RedisError: Redis is unavailable.
    """
    now, found = _present(client)
    return [
        WorkerReport(name, WorkerState(stored.state), max(0.0, now - stored.at))
        for name, stored in sorted(found.items())
        if stored is not None and stored.counts(now) and stored.state in frozenset(WorkerState)
    ]


def known_reports(client: redis.Redis) -> list[WorkerReport] | None:
    """As `reports`; None while Redis is unavailable, which other checks report."""
    try:
        return reports(client)
    except redis.RedisError:
        return None


def troubles(found: Sequence[WorkerReport]) -> list[Trouble]:
    """Return the problems of workers, one for each state: "1 of 3 workers accepts no work: …"."""
    return [
        _trouble(state, [each.worker for each in found if each.state is state], len(found))
        for state in WorkerState
        if not state.is_in_order and any(each.state is state for each in found)
    ]


#: State → the sentence and the next step. {accepts}, {gets} and {its} agree with the number of workers; {workers} are
#: their names.
_TEXTS: Final[Mapping[WorkerState, tuple[str, str]]] = {
    WorkerState.NO_DATABASE: (
        "{accepts} no work: Postgres cannot be used with {its} DATABASE_URL",
        "look at the log of {workers} for the reason",
    ),
    WorkerState.SCHEMA_TOO_OLD: (
        "{accepts} no work: {its} release needs a newer schema",
        "run booksync migrate with that release ({workers})",
    ),
    WorkerState.SCHEMA_TOO_NEW: (
        "{accepts} no work: the schema is newer than {its} release",
        "upgrade booksync on {workers}",
    ),
    WorkerState.KEYS_REFUSED: (
        "{accepts} no work: {its} ENCRYPTION_KEYS cannot read this installation's secrets",
        "give {workers} the ENCRYPTION_KEYS of the other processes, and restart",
    ),
    WorkerState.CLIENT_REFUSED: (
        "{gets} no access token: Zoho refuses {its} ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET",
        "correct both settings of {workers}, and restart",
    ),
}


def _trouble(state: WorkerState, names: Sequence[str], total: int) -> Trouble:
    sentence, way_out = _TEXTS[state]
    is_one = len(names) == 1
    words = {"accepts": "accepts", "gets": "gets", "its": "its"} if is_one else _OF_SEVERAL
    others = [f"{len(names) - _NAMES_SHOWN} more"] if len(names) > _NAMES_SHOWN else []
    return Trouble(
        state,
        f"{len(names)} of {total} {'worker' if total == 1 else 'workers'} {sentence.format(**words)}",
        way_out.format(workers=", ".join([*names[:_NAMES_SHOWN], *others])),
    )


_OF_SEVERAL: Final = {"accepts": "accept", "gets": "get", "its": "their"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A worker's report as stored in Redis; its times are those of Redis's clock, in seconds."""

    state: str  #: the state as text, because another release may have more states than `WorkerState`
    at: float
    until: float

    def counts(self, now: float) -> bool:
        return self.until > now


def _present(client: redis.Redis) -> tuple[float, dict[str, _Stored | None]]:
    """Return the time and all reports, also expired ones, in one round trip.

    The time is that of Redis's clock, because the clocks of the workers' hosts may differ.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.time()
        pipeline.hgetall(KEY)
        (seconds, microseconds), stored = pipeline.execute()
    found = {
        (name.decode(errors="replace") if isinstance(name, bytes) else name): _read(value)
        for name, value in stored.items()
    }
    return float(seconds) + microseconds / 1e6, found


def _read(value: bytes | str) -> _Stored | None:
    """Parse a report stored in Redis; None if the report is malformed."""
    try:
        match json.loads(value):
            case {"state": str(state), "at": int() | float() as at, "until": int() | float() as until}:
                return _Stored(state, at, until) if math.isfinite(at) and math.isfinite(until) else None
    except (ValueError, OverflowError, RecursionError):  # OverflowError: a huge number. RecursionError: deep nesting.
        pass
    return None
