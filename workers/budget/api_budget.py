"""The interface of the API budget: it admits a call to Zoho and records Zoho's response."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import redis
import structlog

from workers.budget.call_results import CallResult, read_result
from workers.budget.decisions import Forgotten, Granted, Lifted, Pause, PauseLeft, Resumed, Wait
from workers.budget.errors import BudgetUnavailable, BudgetWait, PauseReason, WaitReason
from workers.budget.limits import BudgetLimits, Lane
from workers.budget.pause_lengths import first_pause
from workers.budget.scripts import BudgetScripts
from workers.budget.snapshot import BudgetSnapshot

#: A wait for the budget up to this length is slept in the thread; a longer wait is raised as BudgetWait.
MAX_INLINE_WAIT_SECONDS = 2.0

#: The wait before another attempt to get a place among the calls under way, because their duration is unknown.
_CONCURRENCY_WAIT_SECONDS = 1.0

#: The assumed difference between the clocks of Postgres and Redis.
_CLOCK_DIFFERENCE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Admission:
    """The right to make one call to Zoho now.

    The right ends with the response, or with the `with` block that granted it.
    """

    def __init__(self, finish: Callable[[CallResult | None], None]) -> None:
        self._finish = finish
        self._over = False

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        """Report Zoho's response to the budget: HTTP status, the body's `code` (None without one), headers.

        A refusal pauses all calls of the organisation. A failure of Redis raises no error, because the response is
        valid without Redis.
        """
        self._over = True
        self._finish(read_result(status, code, headers))

    def end(self) -> None:
        """End the call, with or without a response."""
        if not self._over:
            self._over = True
            self._finish(None)


class ApiBudget:
    """The calls that one Zoho organisation grants, shared by all workers over Redis (TR-5: 100 calls a minute).

    >>> with budget.call("10234695", lane=Lane.BULK, holder=f"run-{run_id}") as admission:
    ...     response = http.get(url)
    ...     admission.responded(response.status_code, code, response.headers)

    Guarantees:

    - Zoho never receives more calls than the limit in any window, whatever the calls' latency and even if workers are
      killed.
    - The whole limit is used while enough work waits.
    - Calls of one lane are served in the order of their requests.

    Redis may lose its memory, so Postgres keeps some facts too. These functions read and write them:

    - `seconds_since_last_call(organization_id)` returns the seconds since the last possible call, by Postgres's clock;
      None if there was no call. The time of a call is written before the call.
    - `pause_left(organization_id)` returns the rest of the pause; None without a pause.
    - `on_pause(organization_id, seconds, reason)` is called at every refusal, to store the pause.
    - `on_probe(organization_id)` is called before the one call that probes whether a spent day is over.
    - `on_resume(organization_id)` is called after a successful probe, or after a person has lifted the pause.

    `on_sleep(seconds, reason)` is called after each short wait, which the caller's thread has slept. A longer wait is
    not slept but raised as BudgetWait.
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
        monotonic: Callable[[], float] = time.monotonic,
        max_inline_wait_seconds: float = MAX_INLINE_WAIT_SECONDS,
    ) -> None:
        self.limits = limits
        self._scripts = BudgetScripts(redis, limits, monotonic=monotonic)
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
        """Admit one call to Zoho. The `with` block makes that call and does nothing else.

        The admission may sleep for up to two seconds before the call.

        `holder` names the caller ("run-…"). A holder has one place in the queue and one call under way, so a message
        that is delivered twice never queues twice. `holder` must not contain personal data.

        Raises BudgetWait (retry later as the same holder) and BudgetUnavailable (Redis is down).
        """
        granted = self._granted(organization_id, lane, holder)
        admission = Admission(lambda result: self._finish(organization_id, granted, result))
        try:
            if granted.is_probe:
                self._on_probe(organization_id)
            yield admission
        finally:
            admission.end()

    def snapshot(self, organization_id: str) -> BudgetSnapshot:
        """Read the present state of the budget, without changing it. Raises BudgetUnavailable."""
        return self._scripts.look(organization_id)

    def snapshots(self, organization_ids: Sequence[str]) -> Mapping[str, BudgetSnapshot]:
        """Read the present states of several organisations' budgets, in two round trips. Raises BudgetUnavailable."""
        return self._scripts.look_at(organization_ids)

    def forgotten(self, organization_ids: Sequence[str]) -> list[str]:
        """Return the organisations of whose calls Redis has no record. Raises BudgetUnavailable."""
        return self._scripts.forgotten(organization_ids)

    def resume(self, organization_id: str) -> Resumed:
        """Lift every pause of the organisation, and delete the known facts about the day's calls.

        Zoho's next response reports the facts about the day again. If Redis has lost its memory, the wait for the calls
        that it has forgotten continues, because these calls still count at Zoho. Raises BudgetUnavailable.
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
                case Forgotten() as forgotten:
                    # The budget was just restored and is lost again. Redis does not keep its writes, so none of its
                    # replies can be relied on.
                    if reminded:
                        raise BudgetUnavailable("forgets the budget at once")
                    self._remind(organization_id, forgotten)
                    reminded = True
                case Wait(seconds, reason):
                    if slept + seconds > self._max_inline_wait_seconds:
                        raise BudgetWait(_worth_a_delivery(seconds, reason), reason)
                    self._sleep(seconds)
                    self._on_sleep(seconds, reason)
                    slept += seconds

    def _remind(self, organization_id: str, forgotten: Forgotten) -> None:
        """Restore an organisation's budget after Redis has lost its memory.

        Postgres has the time of the last call and the end of the pause. The restored budget grants no call until the
        last call no longer counts in Zoho's window, and the pause has ended. If Redis's clock was set forward, that of
        Postgres may have been too, so the wait is a whole window.
        """
        still_counts = self.limits.span_seconds if forgotten.is_clock_ahead else self._still_counts(organization_id)
        if forgotten.is_clock_ahead:
            _log.warning(
                "Redis's clock was set forward, so the API budget waits until all earlier calls are out of the window",
                action="budget_clock_ahead",
                organization_id=organization_id,
                seconds=round(still_counts, 1),
            )
        if forgotten.damage:
            _log.warning(
                "The API budget's memory in Redis was damaged and is rebuilt. Check that maxmemory-policy is "
                "noeviction, and that nothing else writes to the keys budget:*",
                action="budget_damaged",
                organization_id=organization_id,
                damage=forgotten.damage,
                seconds=round(still_counts, 1),
            )
        pause = self._pause_left(organization_id)
        self._scripts.remember(organization_id, forgotten_seconds=still_counts, pause=pause)

    def _still_counts(self, organization_id: str) -> float:
        """The seconds for which the last call still counts in Zoho's window, by Postgres's clock."""
        since_last_call = self._seconds_since_last_call(organization_id)
        if since_last_call is None:
            return 0.0
        since = max(0.0, since_last_call - _CLOCK_DIFFERENCE_SECONDS)
        return max(0.0, self.limits.span_seconds - since)

    def _finish(self, organization_id: str, granted: Granted, result: CallResult | None) -> None:
        try:
            change = self._scripts.finish(organization_id, granted, result)
        except BudgetUnavailable:
            _log.warning(
                "Redis could not record the end of a Zoho call in the API budget; the call's place becomes free later",
                action="budget_finish_failed",
                organization_id=organization_id,
            )
            # If Redis comes back empty, the budget reads the pause from Postgres.
            change = first_pause(result, self.limits.window_seconds) if result else None
        match change:
            case Pause(seconds, reason):
                _log.warning(
                    "Zoho refused a call, so booksync pauses all calls of that organisation",
                    action="budget_paused",
                    organization_id=organization_id,
                    seconds=seconds,
                    reason=reason,
                )
                self._on_pause(organization_id, seconds, reason)
            case Lifted():
                _log.info(
                    "Zoho accepts calls again, so booksync ends the organisation's pause for the spent day",
                    action="budget_resumed",
                    organization_id=organization_id,
                )
                self._on_resume(organization_id)


def _worth_a_delivery(seconds: float, reason: WaitReason) -> float:
    return max(seconds, _CONCURRENCY_WAIT_SECONDS) if reason is WaitReason.CONCURRENCY else seconds
