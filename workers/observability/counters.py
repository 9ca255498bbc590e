"""What all processes count together, for `/metrics`: in Redis, since a count is no fact that Postgres must keep.

A Redis that comes back empty counts from 0, as Prometheus expects of a counter. A step or a call costs one round trip.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import product

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.deletions import RecordKind
from domain.runs import Phase
from domain.truth_check import CHECKED_COLUMNS
from domain.webhooks import Entity
from workers.budget import WaitReason
from workers.observability.logs import describe
from workers.redis_access.client import redis_client

log = structlog.get_logger(__name__)

#: One hash; a field is the family's name and its labels.
KEY = "booksync:counters"

#: What a message was about that found nothing to do: only the row that it did not get would tell.
UNKNOWN = "unknown"

#: What stands for the status of a call to which no whole answer came.
NO_ANSWER = "no_answer"

#: A count is not worth more of a step's time, …
_TIMEOUT_SECONDS = 0.25
#: … and after a failure this process keeps its counts to itself for so long.
_SILENCE_SECONDS = 5.0


class Ending(StrEnum):
    """How a worker's turn at a step, or at a record that a webhook told of, ended."""

    DONE = "done"
    WAITING = "waiting"  #: for the API budget, until a known time: no attempt is spent
    RETRIED = "retried"  #: an error that may pass: there will be another attempt
    GIVEN_UP = "given_up"  #: nothing helped, or nothing would; a run goes on without the step
    PARKED = "parked"  #: Zoho refuses the connection until a person connects it again
    FAILED = "failed"  #: an error that booksync does not know, at the last attempt
    STALE = "stale"  #: somebody else did the work meanwhile; nothing was written
    PASSED_OVER = "passed_over"  #: a message that came twice or too early
    NO_DATABASE = "no_database"  #: Postgres did not answer; the work is repeated


class Verdict(StrEnum):
    """What a truth check found of a record that it asked for."""

    EQUAL = "equal"
    DRIFTED = "drifted"
    NOT_COMPARED = "not_compared"  #: gone, not understood, changed in Zoho since the last sync, or by another process


class PasswordOutcome(StrEnum):
    """What became of a password that was sent to the console."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_CHECKED = "not_checked"  #: sent while responses to wrong ones were delayed


class Family(StrEnum):
    STEPS = "steps"
    RESYNCS = "resyncs"
    API_CALLS = "api_calls"
    BUDGET_WAITS = "budget_waits"
    BUDGET_WAIT_MS = "budget_wait_ms"
    TRUTH_CHECK_RECORDS = "truth_check_records"
    TRUTH_CHECK_DRIFT = "truth_check_drift"
    CONSOLE_PASSWORDS = "console_passwords"


#: The values of a family's labels, in their order.
Labels = tuple[str, ...]

LABELS: Mapping[Family, Labels] = {
    Family.STEPS: ("phase", "outcome"),
    Family.RESYNCS: ("entity", "outcome"),
    Family.API_CALLS: ("status",),
    Family.BUDGET_WAITS: ("reason",),
    Family.BUDGET_WAIT_MS: ("reason",),
    Family.TRUTH_CHECK_RECORDS: ("entity", "outcome"),
    Family.TRUTH_CHECK_DRIFT: ("entity", "column"),
    Family.CONSOLE_PASSWORDS: ("outcome",),
}

_BEFORE_A_CLAIM = (Ending.PASSED_OVER, Ending.NO_DATABASE)
_REASONS: list[Labels] = [(reason.value,) for reason in WaitReason]

#: Told as 0 before they are first counted: Prometheus sees no increase in a series that begins with 1.
_EXPECTED: Mapping[Family, list[Labels]] = {
    Family.STEPS: [
        *((phase.value, ending.value) for phase, ending in product(Phase, Ending) if phase is not Phase.DONE),
        *((UNKNOWN, ending.value) for ending in _BEFORE_A_CLAIM),
    ],
    Family.RESYNCS: [(entity.value, ending.value) for entity, ending in product(Entity, Ending)],
    Family.API_CALLS: [("200",), ("400",), ("401",), ("404",), ("429",), ("500",), ("503",), (NO_ANSWER,)],
    Family.BUDGET_WAITS: _REASONS,
    Family.BUDGET_WAIT_MS: _REASONS,
    Family.TRUTH_CHECK_RECORDS: [(f"{kind}s", verdict.value) for kind, verdict in product(RecordKind, Verdict)],
    Family.TRUTH_CHECK_DRIFT: [(f"{kind}s", column) for kind, columns in CHECKED_COLUMNS.items() for column in columns],
    Family.CONSOLE_PASSWORDS: [(outcome.value,) for outcome in PasswordOutcome],
}


class Counters:
    """Adds to the counters at once. What cannot be written is kept and written later, and never raises.

    A count may be written twice if its first answer was lost, and goes with a process that ends before Redis is back.
    """

    def __init__(self, client: redis.Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._unwritten = Counter[str]()
        self._silent_until = -math.inf

    @classmethod
    def at(cls, redis_url: str) -> "Counters":
        """With a client of their own that gives up soon and never tries twice; it connects when first used."""
        return cls(redis_client(redis_url, retry=Retry(NoBackoff(), 0), timeout_seconds=_TIMEOUT_SECONDS))

    def close(self) -> None:
        self._client.close()

    def step(self, phase: Phase | None, ending: Ending) -> None:
        """A worker's turn at a step of a run; the phase is None where there was nothing to claim."""
        self._add({_field(Family.STEPS, phase or UNKNOWN, ending): 1})

    def resync(self, entity: Entity, ending: Ending) -> None:
        """A worker's turn at a record that a webhook told of."""
        self._add({_field(Family.RESYNCS, entity, ending): 1})

    def api_call(self, status: int | None) -> None:
        """A call to Zoho's API that was made: the HTTP status, None where no whole answer came."""
        self._add({_field(Family.API_CALLS, NO_ANSWER if status is None else str(status)): 1})

    def budget_wait(self, seconds: float, reason: WaitReason) -> None:
        """Somebody waits, or has waited, for so long until the API budget grants a call."""
        self._add(
            {
                _field(Family.BUDGET_WAITS, reason): 1,
                _field(Family.BUDGET_WAIT_MS, reason): round(seconds * 1000),
            }
        )

    def truth_check(self, kind: RecordKind, drifted: Sequence[str] | None) -> None:
        """A record of a truth check: the columns that have drifted, None where it was not compared."""
        verdict = Verdict.NOT_COMPARED if drifted is None else Verdict.DRIFTED if drifted else Verdict.EQUAL
        columns = {_field(Family.TRUTH_CHECK_DRIFT, f"{kind}s", column): 1 for column in drifted or ()}
        self._add({_field(Family.TRUTH_CHECK_RECORDS, f"{kind}s", verdict): 1, **columns})

    def console_password(self, outcome: PasswordOutcome) -> None:
        """A password that was sent to the console."""
        self._add({_field(Family.CONSOLE_PASSWORDS, outcome): 1})

    def _add(self, amounts: Mapping[str, int]) -> None:
        with self._lock:
            self._unwritten.update(amounts)
            if self._clock() < self._silent_until:
                return
            mine, self._unwritten = self._unwritten, Counter()
        try:
            self._write(mine)
        except redis.RedisError as error:
            with self._lock:
                self._unwritten.update(mine)
                self._silent_until = self._clock() + _SILENCE_SECONDS
            log.warning("The counters will be written later", action="counters.not_written", error=describe(error))

    def _write(self, amounts: Mapping[str, int]) -> None:
        with self._client.pipeline(transaction=True) as pipeline:
            for field, amount in amounts.items():
                pipeline.hincrby(KEY, field, amount)
            pipeline.execute()


def totals(client: redis.Redis) -> dict[Family, dict[Labels, int]]:
    """Every counter as it stands, by its labels.

    Raises:
        RedisError: Redis is away.
    """
    found: dict[Family, dict[Labels, int]] = {family: dict.fromkeys(_EXPECTED[family], 0) for family in Family}
    known = {family.value: family for family in Family}
    for field, total in client.hgetall(KEY).items():
        name, *labels = (field.decode() if isinstance(field, bytes) else field).split(":")
        family = known.get(name)
        # Another release may have counted what this one does not know.
        if family is not None and len(labels) == len(LABELS[family]):
            found[family][tuple(labels)] = int(total)
    return found


def _field(family: Family, *labels: str) -> str:
    return ":".join((family, *labels))
