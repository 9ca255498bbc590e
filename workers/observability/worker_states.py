"""What each worker process reports of itself: whether it takes work, and why not.

The reports are in Redis and end by themselves, since they are hints. A worker that Postgres refuses reports too.
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

#: One hash; a field is the name of a worker, its value a report.
KEY: Final = "booksync:workers"

#: How often a worker reports, …
BEAT_SECONDS: Final = 5.0
#: … and for how long a report counts: a worker that was killed is reported no longer than this.
LONGEST_SILENCE_SECONDS: Final = 20.0

#: For how long the report of a worker that refused to start counts: its supervisor may start it again late.
ENDED_SECONDS: Final = 300.0

#: What to say without any report.
NONE_REPORTS: Final = f"No worker has reported for {LONGEST_SILENCE_SECONDS:.0f} s"

#: Workers that are named in one sentence.
_NAMES_SHOWN: Final = 3


class WorkerState(StrEnum):
    """What a worker process does."""

    STARTING = "starting"
    WORKING = "working"
    NO_DATABASE = "no_database"
    SCHEMA_TOO_OLD = "schema_too_old"  #: it waits for the migrations
    SCHEMA_TOO_NEW = "schema_too_new"  #: it has ended
    KEYS_REFUSED = "keys_refused"  #: its ENCRYPTION_KEYS cannot read the stored secrets
    CLIENT_REFUSED = "client_refused"  #: Zoho refuses its ZOHO_CLIENT_ID or ZOHO_CLIENT_SECRET

    @property
    def takes_work(self) -> bool:
        return self in (WorkerState.STARTING, WorkerState.WORKING, WorkerState.CLIENT_REFUSED)

    @property
    def is_in_order(self) -> bool:
        return self in (WorkerState.STARTING, WorkerState.WORKING)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """The last report of one worker process."""

    worker: str  #: host:process id; the host alone where the process has ended
    state: WorkerState
    seconds_ago: float

    def as_json(self) -> dict[str, Any]:
        """{worker, state, takes_work, seconds_ago}"""
        return {
            "worker": self.worker,
            "state": self.state,
            "takes_work": self.state.takes_work,
            "seconds_ago": round(self.seconds_ago, 1),
        }


@dataclass(frozen=True, slots=True)
class Trouble:
    """Workers that are not in order for the same reason, in words."""

    sentence: str  #: names no host, because strangers read it in `/readyz`; without its full stop
    way_out: str


class OwnState:
    """The state of this process. Safe for threads; `changed` is set at each change."""

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
        """What the gates have found, which comes before what Zoho says."""
        with self._lock:
            if state is not self._of_gates:
                self._of_gates = state
                self.changed.set()

    def client_refused(self, accounts_origin: str) -> None:
        """Zoho's token endpoint there refuses this process's client id or secret."""
        with self._lock:
            if accounts_origin not in self._refusing_origins:
                self._refusing_origins.add(accounts_origin)
                self.changed.set()

    def client_accepted(self, accounts_origin: str) -> None:
        """Zoho's token endpoint there has granted a token to this process."""
        with self._lock:
            if accounts_origin in self._refusing_origins:
                self._refusing_origins.remove(accounts_origin)
                self.changed.set()


#: Of this process.
own_state = OwnState()


def own_name() -> str:
    """host:process id"""
    return f"{socket.gethostname()}:{os.getpid()}"


def report(client: redis.Redis, worker: str, state: WorkerState, *, seconds: float = LONGEST_SILENCE_SECONDS) -> None:
    """Writes the worker's report, which counts for `seconds`, and removes the reports that no longer count.

    Raises:
        RedisError: Redis is away.
    """
    now = _now(client)
    stale = [name for name, stored in _stored(client).items() if stored is None or not stored.counts(now)]
    written = json.dumps({"state": state, "at": now, "until": now + seconds})
    with client.pipeline(transaction=True) as pipeline:
        if stale:
            pipeline.hdel(KEY, *stale)
        pipeline.hset(KEY, worker, written)
        pipeline.pexpire(KEY, int(ENDED_SECONDS * 1000))
        pipeline.execute()


def report_refused_start(client: redis.Redis, state: WorkerState) -> None:
    """Reports why this process ends at its boot, by the host's name.

    A supervisor starts it again with another process id, which would count as a further worker.

    Raises:
        RedisError: Redis is away.
    """
    withdraw(client, own_name())
    report(client, socket.gethostname(), state, seconds=ENDED_SECONDS)


def withdraw(client: redis.Redis, worker: str) -> None:
    """Removes the report of a worker that ends in order.

    Raises:
        RedisError: Redis is away.
    """
    client.hdel(KEY, worker)


def reports(client: redis.Redis) -> list[WorkerReport]:
    """The reports that count, by the workers' names. A state that another release has is left out.

    Raises:
        RedisError: Redis is away.
    """
    now = _now(client)
    return [
        WorkerReport(name, WorkerState(stored.state), max(0.0, now - stored.at))
        for name, stored in sorted(_stored(client).items())
        if stored is not None and stored.counts(now) and stored.state in frozenset(WorkerState)
    ]


def troubles(found: Sequence[WorkerReport]) -> list[Trouble]:
    """What hinders workers, one for each state, with the number of all workers: "1 of 3 workers takes no work: …"."""
    return [
        _trouble(state, [each.worker for each in found if each.state is state], len(found))
        for state in WorkerState
        if not state.is_in_order and any(each.state is state for each in found)
    ]


#: {takes}, {its}: of one worker or of several. {workers}: their names.
_TEXTS: Final[Mapping[WorkerState, tuple[str, str]]] = {
    WorkerState.NO_DATABASE: (
        "{takes} no work: Postgres cannot be used with {its} DATABASE_URL",
        "look at the log of {workers}, which says why",
    ),
    WorkerState.SCHEMA_TOO_OLD: (
        "{takes} no work: {its} release needs a newer schema",
        "run booksync migrate with that release ({workers})",
    ),
    WorkerState.SCHEMA_TOO_NEW: (
        "{takes} no work: the schema is newer than {its} release",
        "upgrade booksync on {workers}",
    ),
    WorkerState.KEYS_REFUSED: (
        "{takes} no work: {its} ENCRYPTION_KEYS cannot read this installation's secrets",
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
    words = {"takes": "takes", "gets": "gets", "its": "its"} if is_one else _OF_SEVERAL
    others = [f"{len(names) - _NAMES_SHOWN} more"] if len(names) > _NAMES_SHOWN else []
    return Trouble(
        f"{len(names)} of {total} {'worker' if total == 1 else 'workers'} {sentence.format(**words)}",
        way_out.format(workers=", ".join([*names[:_NAMES_SHOWN], *others])),
    )


_OF_SEVERAL: Final = {"takes": "take", "gets": "get", "its": "their"}


def _now(client: redis.Redis) -> float:
    """Redis's clock: the workers' hosts need not agree."""
    seconds, microseconds = client.time()
    return float(seconds) + microseconds / 1e6


@dataclass(frozen=True, slots=True)
class _Stored:
    """A report as Redis has it; times are Redis's, in seconds."""

    state: str  #: another release may have more states
    at: float
    until: float

    def counts(self, now: float) -> bool:
        return self.until > now


def _stored(client: redis.Redis) -> dict[str, _Stored | None]:
    return {
        (name.decode(errors="replace") if isinstance(name, bytes) else name): _read(value)
        for name, value in client.hgetall(KEY).items()
    }


def _read(value: bytes | str) -> _Stored | None:
    """None for what is not a report."""
    try:
        match json.loads(value):
            case {"state": str(state), "at": int() | float() as at, "until": int() | float() as until}:
                return _Stored(state, at, until) if math.isfinite(at) and math.isfinite(until) else None
    except (ValueError, OverflowError, RecursionError):  # The last two: a huge number, and deep nesting.
        pass
    return None
