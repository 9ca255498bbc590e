"""The budget's one door: ask for a call, make it, tell what Zoho answered."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import redis
import structlog

from workers.budget.answers import Answer, read_answer
from workers.budget.errors import BudgetUnavailable, BudgetWait, PauseReason, WaitReason
from workers.budget.limits import BudgetLimits, Lane
from workers.budget.scripts import BudgetScripts, Forgotten, Granted, Pause, Wait
from workers.budget.snapshot import BudgetSnapshot

#: A wait up to this long is slept in the thread, a longer one is raised.
MAX_INLINE_WAIT_SECONDS = 2.0

#: When to come back for a place among the calls under way: nobody knows how long those take.
_CONCURRENCY_WAIT_SECONDS = 1.0

#: Postgres's clock and Redis's need not agree to the second.
_CLOCK_DIFFERENCE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Admission:
    """The right to make one call, now. It ends with the answer, or with the `with` block that gave it."""

    def __init__(self, finish: Callable[[Answer | None], None]) -> None:
        self._finish = finish
        self._over = False

    def answered(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        """Tell the budget Zoho's answer: HTTP status, the body's `code` (None without one), headers.

        A refusal makes everybody of the organisation pause. Never raises for Redis: the answer is good without it.
        """
        self._over = True
        self._finish(read_answer(status, code, headers))

    def end(self) -> None:
        """The call is over, with or without an answer."""
        if not self._over:
            self._over = True
            self._finish(None)


class ApiBudget:
    """The calls that one Zoho organisation grants, shared by every worker over Redis (TR-5).

        with budget.call("10234695", lane=Lane.BULK, holder=f"run-{run_id}") as admission:
            response = http.get(...)
            admission.answered(response.status_code, code, response.headers)

    Promises: never more than the limit arrive at Zoho in any window, whatever the calls' latency and whoever dies;
    all of it is used while enough work asks; first come, first served within a lane.

    What it asks of Postgres, which remembers when Redis does not:

    - `seconds_since_last_call(organization_id)`: on Postgres's own clock, since a call may last have been made (so
      written before the call), None for never;
    - `paused_seconds(organization_id)`: how much longer the last pause lasts, None for none;
    - `on_pause(organization_id, seconds, reason)`: told at every refusal, so that the two above can be answered.

    `on_sleep(seconds, reason)` is told of every wait that was slept; one that is raised is told by BudgetWait itself.
    """

    def __init__(
        self,
        redis: redis.Redis,
        *,
        limits: BudgetLimits,
        seconds_since_last_call: Callable[[str], float | None],
        paused_seconds: Callable[[str], float | None],
        on_pause: Callable[[str, float, PauseReason], None],
        on_sleep: Callable[[float, WaitReason], None] = lambda _seconds, _reason: None,
        sleep: Callable[[float], None] = time.sleep,
        max_inline_wait_seconds: float = MAX_INLINE_WAIT_SECONDS,
    ) -> None:
        self.limits = limits
        self._scripts = BudgetScripts(redis, limits)
        self._limits = limits
        self._seconds_since_last_call = seconds_since_last_call
        self._paused_seconds = paused_seconds
        self._on_pause = on_pause
        self._on_sleep = on_sleep
        self._sleep = sleep
        self._max_inline_wait_seconds = max_inline_wait_seconds

    @contextmanager
    def call(self, organization_id: str, *, lane: Lane, holder: str) -> Iterator[Admission]:
        """One call, made inside the block and nothing else there; may sleep for two seconds before it.

        `holder` names who calls ("run-…"): it has one place in the queue and one call under way, so that a message
        delivered twice never queues twice. It must not hold anybody's personal data.

        Raises BudgetWait (come back later, as the same holder) and BudgetUnavailable (Redis is away).
        """
        granted = self._granted(organization_id, lane, holder)
        admission = Admission(lambda answer: self._finish(organization_id, granted, answer))
        try:
            yield admission
        finally:
            admission.end()

    def snapshot(self, organization_id: str) -> BudgetSnapshot:
        """The budget as it stands; changes nothing. Raises BudgetUnavailable."""
        return self._scripts.look(organization_id)

    def _granted(self, organization_id: str, lane: Lane, holder: str) -> Granted:
        call_id = uuid.uuid4().hex
        slept, reminded = 0.0, False
        while True:
            match self._scripts.admit(organization_id, lane=lane, holder=holder, call_id=call_id):
                case Granted() as granted:
                    return granted
                case Forgotten():
                    if reminded:  # Redis does not keep what it is told, so nothing it says can be relied on.
                        raise BudgetUnavailable("forgets the budget at once")
                    self._remind(organization_id)
                    reminded = True
                case Wait(seconds, reason):
                    if slept + seconds > self._max_inline_wait_seconds:
                        raise BudgetWait(_worth_a_delivery(seconds, reason), reason)
                    self._sleep(seconds)
                    self._on_sleep(seconds, reason)
                    slept += seconds

    def _remind(self, organization_id: str) -> None:
        """Redis lost its memory: wait out the calls and the pause that Postgres still knows of."""
        since_last_call = self._seconds_since_last_call(organization_id)
        still_counts = 0.0
        if since_last_call is not None:
            since = max(0.0, since_last_call - _CLOCK_DIFFERENCE_SECONDS)
            still_counts = max(0.0, self._limits.span_seconds - since)
        paused = self._paused_seconds(organization_id) or 0.0
        self._scripts.remember(organization_id, pause_seconds=max(still_counts, paused))

    def _finish(self, organization_id: str, granted: Granted, answer: Answer | None) -> None:
        try:
            pause = self._scripts.finish(organization_id, granted, answer)
        except BudgetUnavailable:
            _log.warning(
                "The API budget could not be told that a call is over; its place frees itself later.",
                action="budget_finish_failed",
                organization_id=organization_id,
            )
            pause = self._pause_without_redis(answer)
        if pause is not None:
            _log.warning(
                "Zoho refused a call; everybody of its organisation pauses.",
                action="budget_paused",
                organization_id=organization_id,
                seconds=pause.seconds,
                reason=pause.reason,
            )
            self._on_pause(organization_id, pause.seconds, pause.reason)

    def _pause_without_redis(self, answer: Answer | None) -> Pause | None:
        """Redis may come back empty, and then asks Postgres."""
        if answer is None or answer.refusal is None:
            return None
        return Pause(answer.retry_after_seconds or self._limits.window_seconds, answer.refusal)


def _worth_a_delivery(seconds: float, reason: WaitReason) -> float:
    return max(seconds, _CONCURRENCY_WAIT_SECONDS) if reason is WaitReason.CONCURRENCY else seconds
