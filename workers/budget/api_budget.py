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
from workers.budget.scripts import BudgetScripts, Forgotten, Granted, Lifted, Pause, PauseLeft, Resumed, Wait
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
    - `pause_left(organization_id)`: the rest of the last pause, None for none;
    - `on_pause(organization_id, seconds, reason)`: called at every refusal, so that the two above can be known;
    - `on_probe(organization_id)`: called before the one call that tries whether a spent day is over;
    - `on_resume(organization_id)`: called when a probe has succeeded, or a person has lifted the pause.

    `on_sleep(seconds, reason)` is told of every wait that was slept; one that is raised is told by BudgetWait itself.
    """

    def __init__(
        self,
        redis: redis.Redis,
        *,
        limits: BudgetLimits,
        seconds_since_last_call: Callable[[str], float | None],
        pause_left: Callable[[str], PauseLeft | None],
        on_pause: Callable[[str, float, PauseReason], None],
        on_probe: Callable[[str], None] = lambda _organization_id: None,
        on_resume: Callable[[str], None] = lambda _organization_id: None,
        on_sleep: Callable[[float, WaitReason], None] = lambda _seconds, _reason: None,
        sleep: Callable[[float], None] = time.sleep,
        max_inline_wait_seconds: float = MAX_INLINE_WAIT_SECONDS,
    ) -> None:
        self.limits = limits
        self._scripts = BudgetScripts(redis, limits)
        self._seconds_since_last_call = seconds_since_last_call
        self._pause_left = pause_left
        self._on_pause = on_pause
        self._on_probe = on_probe
        self._on_resume = on_resume
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
            if granted.is_probe:
                self._on_probe(organization_id)
            yield admission
        finally:
            admission.end()

    def snapshot(self, organization_id: str) -> BudgetSnapshot:
        """The budget as it stands; changes nothing. Raises BudgetUnavailable."""
        return self._scripts.look(organization_id)

    def resume(self, organization_id: str) -> Resumed:
        """Lift every pause, and forget the rest of the day: the next response of Zoho says it again.

        The wait that follows a loss of memory goes on, because calls that Redis has forgotten still count at Zoho.
        Raises BudgetUnavailable.
        """
        resumed = self._scripts.resume(organization_id)
        self._on_resume(organization_id)
        return resumed

    def _granted(self, organization_id: str, lane: Lane, holder: str) -> Granted:
        call_id = uuid.uuid4().hex
        slept, reminded = 0.0, False
        while True:
            match self._scripts.admit(organization_id, lane=lane, holder=holder, call_id=call_id):
                case Granted() as granted:
                    return granted
                case Forgotten(damage):
                    if reminded:  # Redis does not keep what it is told, so nothing it says can be relied on.
                        raise BudgetUnavailable("forgets the budget at once")
                    self._remind(organization_id, damage)
                    reminded = True
                case Wait(seconds, reason):
                    if slept + seconds > self._max_inline_wait_seconds:
                        raise BudgetWait(_worth_a_delivery(seconds, reason), reason)
                    self._sleep(seconds)
                    self._on_sleep(seconds, reason)
                    slept += seconds

    def _remind(self, organization_id: str, damage: str) -> None:
        """Redis lost its memory: wait out the calls and the pause that Postgres still knows of."""
        since_last_call = self._seconds_since_last_call(organization_id)
        still_counts = 0.0
        if since_last_call is not None:
            since = max(0.0, since_last_call - _CLOCK_DIFFERENCE_SECONDS)
            still_counts = max(0.0, self.limits.span_seconds - since)
        if damage:
            _log.warning(
                "The API budget's memory in Redis was damaged, and is built anew. Check that maxmemory-policy is "
                "noeviction, and that nothing else writes to the keys budget:*.",
                action="budget_damaged",
                organization_id=organization_id,
                damage=damage,
                seconds=round(still_counts, 1),
            )
        pause = self._pause_left(organization_id)
        self._scripts.remember(organization_id, forgotten_seconds=still_counts, pause=pause)

    def _finish(self, organization_id: str, granted: Granted, answer: Answer | None) -> None:
        try:
            change = self._scripts.finish(organization_id, granted, answer)
        except BudgetUnavailable:
            _log.warning(
                "The API budget could not be told that a call is over; its place frees itself later.",
                action="budget_finish_failed",
                organization_id=organization_id,
            )
            # Redis may come back empty, and then asks Postgres.
            change = self._scripts.pause_without_redis(answer) if answer else None
        match change:
            case Pause(seconds, reason):
                _log.warning(
                    "Zoho refused a call; everybody of its organisation pauses.",
                    action="budget_paused",
                    organization_id=organization_id,
                    seconds=seconds,
                    reason=reason,
                )
                self._on_pause(organization_id, seconds, reason)
            case Lifted():
                _log.info(
                    "Zoho accepts calls again, so the pause of the spent day ends.",
                    action="budget_resumed",
                    organization_id=organization_id,
                )
                self._on_resume(organization_id)


def _worth_a_delivery(seconds: float, reason: WaitReason) -> float:
    return max(seconds, _CONCURRENCY_WAIT_SECONDS) if reason is WaitReason.CONCURRENCY else seconds
