"""The metric counters of all processes for `/metrics`, in Redis because their loss does no harm.

After a loss of Redis's data the counters start again at 0, which Prometheus accepts. To count a step or a call costs
one round trip. Durations and webhooks cost none: a process writes them with its next count, or every 15 seconds.
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

from domain.entities import Entity, entities
from domain.runs import Phase
from domain.truth_check import CHECKED_COLUMNS
from workers.budget import WaitReason
from workers.observability.histograms import OTHER, WEBHOOK_CODES, WEBHOOKS, Histogram
from workers.observability.logs import describe
from workers.redis_access.client import redis_client

log = structlog.get_logger(__name__)

#: The Redis key of the hash with all counters; a field is the counter family's name and its labels.
KEY = "booksync:counters"

#: The phase label of a message that did not read its run's row, and so does not know the phase.
UNKNOWN = "unknown"

#: The status label of a call without a complete response.
NO_ANSWER = "no_answer"

#: Redis timeout for counter writes: a counter must not slow a step down.
_TIMEOUT_SECONDS = 0.25
#: After a failed write of counters this process collects its counts for this time before the next write.
_SILENCE_SECONDS = 5.0


class JobOutcome(StrEnum):
    """How an attempt at a run step or at a record's refresh ended."""

    DONE = "done"
    WAITING = "waiting"  #: deferred until a known time because of the API budget; no attempt is spent
    RETRIED = "retried"  #: a temporary error; another attempt follows
    #: Given up: the attempts are exhausted, or the error is permanent; a run continues without the step.
    GIVEN_UP = "given_up"
    PARKED = "parked"  #: parked: Zoho refuses the connection until a person connects it again
    FAILED = "failed"  #: an unknown error at the last attempt
    STALE = "stale"  #: stale: another worker did the work in the meantime; nothing was written
    PASSED_OVER = "passed_over"  #: passed over: a duplicate message, or one that came too early
    NO_DATABASE = "no_database"  #: Postgres did not reply; the work is repeated


class Verdict(StrEnum):
    """What a truth check found for one record."""

    EQUAL = "equal"
    DRIFTED = "drifted"
    #: Not compared: gone, not understood, or changed since, in Zoho or by another process.
    NOT_COMPARED = "not_compared"


class PasswordOutcome(StrEnum):
    """What happened to a password that was sent to the console."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_CHECKED = "not_checked"  #: busy: sent while responses to wrong passwords were delayed


class Family(StrEnum):
    STEPS = "steps"
    REFRESHES = "resyncs"  #: the former name of the family, because processes of the previous release count under it
    API_CALLS = "api_calls"
    BUDGET_WAITS = "budget_waits"
    BUDGET_WAIT_MS = "budget_wait_ms"
    TRUTH_CHECK_RECORDS = "truth_check_records"
    TRUTH_CHECK_DRIFT = "truth_check_drift"
    CONSOLE_PASSWORDS = "console_passwords"
    WEBHOOK_REQUESTS = "webhook_requests"


#: The values of a counter family's labels, in their order.
Labels = tuple[str, ...]

LABELS: Mapping[Family, Labels] = {
    Family.STEPS: ("phase", "outcome"),
    Family.REFRESHES: ("entity", "outcome"),
    Family.API_CALLS: ("status",),
    Family.BUDGET_WAITS: ("reason",),
    Family.BUDGET_WAIT_MS: ("reason",),
    Family.TRUTH_CHECK_RECORDS: ("entity", "outcome"),
    Family.TRUTH_CHECK_DRIFT: ("entity", "column"),
    Family.CONSOLE_PASSWORDS: ("outcome",),
    Family.WEBHOOK_REQUESTS: ("code",),
}

_BEFORE_A_CLAIM = (JobOutcome.PASSED_OVER, JobOutcome.NO_DATABASE)
_REASONS: list[Labels] = [(reason.value,) for reason in WaitReason]

#: Counters that are reported as 0 before their first count, because Prometheus sees no increase in a series that begins
#: with 1.
_EXPECTED: Mapping[Family, list[Labels]] = {
    Family.STEPS: [
        *((phase.value, ending.value) for phase, ending in product(Phase, JobOutcome) if phase is not Phase.DONE),
        *((UNKNOWN, ending.value) for ending in _BEFORE_A_CLAIM),
    ],
    Family.REFRESHES: [(entity.name, ending.value) for entity, ending in product(entities(), JobOutcome)],
    Family.API_CALLS: [("200",), ("400",), ("401",), ("404",), ("429",), ("500",), ("503",), (NO_ANSWER,)],
    Family.BUDGET_WAITS: _REASONS,
    Family.BUDGET_WAIT_MS: _REASONS,
    Family.TRUTH_CHECK_RECORDS: [
        (entity.plural, verdict.value) for entity, verdict in product(CHECKED_COLUMNS, Verdict)
    ],
    Family.TRUTH_CHECK_DRIFT: [
        (entity.plural, column) for entity, columns in CHECKED_COLUMNS.items() for column in columns
    ],
    Family.CONSOLE_PASSWORDS: [(outcome.value,) for outcome in PasswordOutcome],
    Family.WEBHOOK_REQUESTS: [(code,) for code in (*WEBHOOK_CODES, OTHER)],
}


class Counters:
    """Increments the metric counters. A failed write raises no error; its counts are written later.

    A count may be written twice if the reply to the first write was lost. A count is lost if the process ends before
    Redis is back.
    """

    def __init__(self, client: redis.Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._unwritten = Counter[str]()
        self._silent_until = -math.inf

    @classmethod
    def at(cls, redis_url: str) -> "Counters":
        """Return counters with their own Redis client, which times out early, never retries and connects lazily."""
        return cls(redis_client(redis_url, retry=Retry(NoBackoff(), 0), timeout_seconds=_TIMEOUT_SECONDS))

    def close(self) -> None:
        self.flush()
        self._client.close()

    def step(self, phase: Phase | None, outcome: JobOutcome) -> None:
        """Count an attempt at a run step. `phase` is None if the step's lease could not be acquired."""
        self._add({_field(Family.STEPS, phase or UNKNOWN, outcome): 1})

    def refresh(self, entity: Entity, outcome: JobOutcome) -> None:
        """Count an attempt to refresh a record that a webhook named."""
        self._add({_field(Family.REFRESHES, entity.name, outcome): 1})

    def api_call(self, status: int | None) -> None:
        """Count a call to Zoho's API by its HTTP status. `status` is None if no complete response arrived."""
        self._add({_field(Family.API_CALLS, NO_ANSWER if status is None else str(status)): 1})

    def budget_wait(self, seconds: float, reason: WaitReason) -> None:
        """Count one wait for the API budget, and add its seconds to the total."""
        self._add(
            {
                _field(Family.BUDGET_WAITS, reason): 1,
                _field(Family.BUDGET_WAIT_MS, reason): round(seconds * 1000),
            }
        )

    def truth_check(self, entity: Entity, drifted: Sequence[str] | None) -> None:
        """Count a record that a truth check has read.

        `drifted` names the record's columns that differ from Zoho; None if the record was not compared.
        """
        verdict = Verdict.NOT_COMPARED if drifted is None else Verdict.DRIFTED if drifted else Verdict.EQUAL
        columns = {_field(Family.TRUTH_CHECK_DRIFT, entity.plural, column): 1 for column in drifted or ()}
        self._add({_field(Family.TRUTH_CHECK_RECORDS, entity.plural, verdict): 1, **columns})

    def console_password(self, outcome: PasswordOutcome) -> None:
        """Count a password that was sent to the console."""
        self._add({_field(Family.CONSOLE_PASSWORDS, outcome): 1})

    def webhook(self, status: int, seconds: float) -> None:
        """Count the response to a webhook, and how long it took. Redis is not called, because the request waits."""
        code = str(status) if str(status) in WEBHOOK_CODES else OTHER
        self._note({_field(Family.WEBHOOK_REQUESTS, code): 1, **WEBHOOKS.observation(code, seconds)})

    def duration(self, histogram: Histogram, value: str, seconds: float) -> None:
        """Count a duration. It is written together with the next count, or by `flush`."""
        self._note(histogram.observation(value, seconds))

    def _note(self, amounts: Mapping[str, int]) -> None:
        with self._lock:
            self._unwritten.update(amounts)

    def _add(self, amounts: Mapping[str, int]) -> None:
        self._note(amounts)
        self.flush()

    def flush(self) -> None:
        """Write what is not written yet, unless a write has failed just now."""
        with self._lock:
            if not self._unwritten or self._clock() < self._silent_until:
                return
            mine, self._unwritten = self._unwritten, Counter()
        try:
            self._write(mine)
        except redis.RedisError as error:
            with self._lock:
                self._unwritten.update(mine)
                self._silent_until = self._clock() + _SILENCE_SECONDS
            log.warning(
                "The metric counters could not be written to Redis; this process writes them later",
                action="counters.not_written",
                error=describe(error),
            )

    def _write(self, amounts: Mapping[str, int]) -> None:
        with self._client.pipeline(transaction=True) as pipeline:
            for field, amount in amounts.items():
                pipeline.hincrby(KEY, field, amount)
            pipeline.execute()


def totals(client: redis.Redis) -> dict[Family, dict[Labels, int]]:
    """Return the current value of every counter, by its labels.

    Raises:
        RedisError: Redis is away.
    """
    found: dict[Family, dict[Labels, int]] = {family: dict.fromkeys(_EXPECTED[family], 0) for family in Family}
    known = {family.value: family for family in Family}
    for field, total in client.hgetall(KEY).items():
        name, *labels = (field.decode() if isinstance(field, bytes) else field).split(":")
        family = known.get(name)
        # A field of an unknown family is skipped, because another release may count families or labels that this one
        # does not know.
        if family is not None and len(labels) == len(LABELS[family]):
            found[family][tuple(labels)] = int(total)
    return found


def _field(family: Family, *labels: str) -> str:
    return ":".join((family, *labels))
