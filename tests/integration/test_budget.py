"""Promises of the API budget on a real Valkey: real threads, real time, small windows."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.budget import ApiBudget, BudgetLimits, BudgetUnavailable, BudgetWait, Lane, PauseReason, WaitReason

WINDOW_SECONDS = 1.0
#: The limit leaves a margin for threads that wake up late on a loaded machine.
LIMITS = BudgetLimits(requests_per_minute=20, window_seconds=WINDOW_SECONDS, interactive_reserve=5)


@pytest.fixture
def organization_id() -> str:
    """An organisation that no other test uses."""
    return uuid.uuid4().hex


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


class Zoho:
    """Records when calls arrive, on this machine's monotonic clock."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, Lane]] = []
        self._lock = threading.Lock()

    def called(self, lane: Lane) -> None:
        with self._lock:
            self.arrivals.append((time.monotonic(), lane))

    def seconds_since_last_call(self, _organization_id: str) -> float | None:
        with self._lock:
            return time.monotonic() - self.arrivals[-1][0] if self.arrivals else None

    def busiest_window(self, *lanes: Lane) -> int:
        times = sorted(at for at, lane in self.arrivals if lane in lanes)
        return max(sum(at <= other < at + WINDOW_SECONDS for other in times) for at in times)


def a_budget(
    client: redis.Redis,
    *,
    limits: BudgetLimits = LIMITS,
    seconds_since_last_call: Callable[[str], float | None] = lambda _: None,
    pauses: list[tuple[str, float, PauseReason]] | None = None,
) -> ApiBudget:
    told = [] if pauses is None else pauses
    return ApiBudget(
        client,
        limits=limits,
        seconds_since_last_call=seconds_since_last_call,
        pause_left=lambda _: None,
        on_pause=lambda *pause: told.append(pause),
    )


def keep_calling(budget: ApiBudget, zoho: Zoho, organization_id: str, name: str, lane: Lane, until: float) -> None:
    """Calls as often as the budget permits, as a worker does."""
    number = 0
    while time.monotonic() < until:
        try:
            with budget.call(organization_id, lane=lane, holder=f"{name}-{number}") as admission:
                zoho.called(lane)
                admission.responded(200, 0, {})
            number += 1
        except BudgetWait as wait:
            time.sleep(min(wait.seconds, max(0.0, until - time.monotonic())))


def forget(client: redis.Redis, organization_id: str) -> None:
    client.delete(*client.scan_iter(match=f"budget:{{{organization_id}}}:*"))


@pytest.mark.slow
def test_concurrent_workers_use_the_whole_limit_and_never_exceed_it(redis_url: str, organization_id: str) -> None:
    zoho, started = Zoho(), time.monotonic()
    until = started + 3 * LIMITS.span_seconds
    lanes = [Lane.BULK] * 6 + [Lane.INTERACTIVE] * 2
    clients = [redis.Redis.from_url(redis_url) for _ in lanes]
    with ThreadPoolExecutor(len(lanes)) as threads:
        workers = [
            threads.submit(keep_calling, a_budget(client), zoho, organization_id, f"worker-{n}", lane, until)
            for n, (client, lane) in enumerate(zip(clients, lanes, strict=True))
        ]
        for worker in workers:
            worker.result()
    for client in clients:
        client.close()

    assert zoho.busiest_window(*Lane) <= 20
    assert zoho.busiest_window(Lane.BULK) <= LIMITS.bulk_slots
    assert len(zoho.arrivals) >= 0.8 * 3 * 20


@pytest.mark.slow
def test_a_redis_emptied_during_a_run_lets_no_extra_call_through(
    client: redis.Redis, redis_url: str, organization_id: str
) -> None:
    zoho, until = Zoho(), time.monotonic() + 4
    budget = a_budget(client, seconds_since_last_call=zoho.seconds_since_last_call)
    with ThreadPoolExecutor(4) as threads:
        workers = [
            threads.submit(keep_calling, budget, zoho, organization_id, f"worker-{n}", Lane.BULK, until)
            for n in range(4)
        ]
        while not zoho.arrivals:
            time.sleep(0.01)
        with redis.Redis.from_url(redis_url) as operator:
            forget(operator, organization_id)
        for worker in workers:
            worker.result()

    assert zoho.busiest_window(*Lane) <= 20
    assert len(zoho.arrivals) >= 20


def test_a_restarted_redis_is_treated_as_empty(client: redis.Redis, organization_id: str) -> None:
    last_call: list[float | None] = [None]
    budget = a_budget(client, seconds_since_last_call=lambda _: last_call[0])
    with budget.call(organization_id, lane=Lane.BULK, holder="run-1"):
        pass
    state = f"budget:{{{organization_id}}}:state"
    run_id: str = client.info("server")["run_id"]
    assert client.hget(state, "server") == run_id.encode()

    client.hset(state, "server", "0" * 40)
    last_call[0] = -2.0
    budget = a_budget(client, limits=BudgetLimits(window_seconds=30), seconds_since_last_call=lambda _: last_call[0])
    with pytest.raises(BudgetWait) as raised, budget.call(organization_id, lane=Lane.BULK, holder="run-2"):
        pass
    assert (raised.value.reason, round(raised.value.seconds)) == (WaitReason.PAUSED, 30)


def test_a_refusal_pauses_the_other_workers(redis_url: str, client: redis.Redis, organization_id: str) -> None:
    pauses: list[tuple[str, float, PauseReason]] = []
    limits = BudgetLimits(window_seconds=30)
    with a_budget(client, limits=limits, pauses=pauses).call(organization_id, lane=Lane.BULK, holder="1") as admission:
        admission.responded(429, 44, {"X-Rate-Limit-Remaining": "900", "X-Rate-Limit-Limit": "1000"})

    with redis.Redis.from_url(redis_url, decode_responses=True) as other_client:
        other = a_budget(other_client, limits=limits)
        with pytest.raises(BudgetWait) as raised, other.call(organization_id, lane=Lane.INTERACTIVE, holder="2"):
            pass
        snapshot = other.snapshot(organization_id)
    assert raised.value.reason is WaitReason.PAUSED
    assert pauses == [(organization_id, 30, PauseReason.MINUTE)]
    assert (snapshot.paused_reason, snapshot.throttles, snapshot.day_remaining) == (PauseReason.MINUTE, 1, 900)


def test_scripts_flushed_from_the_server_are_sent_again(client: redis.Redis, organization_id: str) -> None:
    budget = a_budget(client)
    budget.snapshot(organization_id)
    client.script_flush()

    with budget.call(organization_id, lane=Lane.BULK, holder="run-1"):
        pass
    assert budget.snapshot(organization_id).used_in_window == 1


def test_without_a_server_no_call_is_made(organization_id: str) -> None:
    nobody = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))

    with pytest.raises(BudgetUnavailable), a_budget(nobody).call(organization_id, lane=Lane.BULK, holder="1"):
        raise AssertionError("called without a budget")


PARTS = (
    "state",
    "tickets",
    *(f"{pool}:{part}" for pool in ("shared", "reserved") for part in ("queue", "leases", "used")),
)


def call_all(budget: ApiBudget, organization_id: str, name: str) -> int:
    """The number of calls of both lanes that the budget grants without a wait."""
    made = 0
    for number, lane in enumerate([*[Lane.BULK] * 20, *[Lane.INTERACTIVE] * 20]):
        try:
            with budget.call(organization_id, lane=lane, holder=f"{name}-{number}"):
                made += 1
        except BudgetWait:
            continue
    return made


@pytest.fixture
def patient(client: redis.Redis, organization_id: str) -> ApiBudget:
    """A budget with a window longer than a test, for a known organisation whose last call in Postgres was just now."""
    limits = BudgetLimits(requests_per_minute=20, window_seconds=60, interactive_reserve=5)
    with a_budget(client, limits=limits).call(organization_id, lane=Lane.BULK, holder="first"):
        pass
    return a_budget(client, limits=limits, seconds_since_last_call=lambda _: 0.0)


@pytest.mark.parametrize("lost", PARTS)
def test_an_evicted_key_lets_no_extra_call_through(
    client: redis.Redis, patient: ApiBudget, organization_id: str, lost: str
) -> None:
    with patient.call(organization_id, lane=Lane.BULK, holder="under way"):
        before = 2 + sum(call_some(patient, organization_id, lane) for lane in Lane)
        client.delete(f"budget:{{{organization_id}}}:{lost}")

        assert before + call_all(patient, organization_id, "after") <= 20


def call_some(budget: ApiBudget, organization_id: str, lane: Lane) -> int:
    for number in range(4):
        with budget.call(organization_id, lane=lane, holder=f"{lane}-{number}"):
            pass
    return 4


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["string", "list", "hash", "set", "zset"])
def test_an_overwritten_key_of_any_type_is_replaced(
    client: redis.Redis, patient: ApiBudget, organization_id: str, part: str, kind: str
) -> None:
    before = 1 + sum(call_some(patient, organization_id, lane) for lane in Lane)
    key = f"budget:{{{organization_id}}}:{part}"
    client.delete(key)
    write: dict[str, Callable[[], object]] = {
        "string": lambda: client.set(key, "garbage"),
        "list": lambda: client.rpush(key, "garbage"),
        "hash": lambda: client.hset(key, "garbage", "garbage"),
        "set": lambda: client.sadd(key, "garbage"),
        "zset": lambda: client.zadd(key, {"garbage": 253402300799000.0}),
    }
    write[kind]()
    patient.snapshot(organization_id)

    assert before + call_all(patient, organization_id, "after") <= 20
    assert patient.snapshot(organization_id).paused_seconds <= 61


@pytest.mark.slow
def test_a_hundred_thousand_forged_calls_are_dropped(
    client: redis.Redis, patient: ApiBudget, organization_id: str
) -> None:
    call_some(patient, organization_id, Lane.BULK)
    forged = {f"forged-{number}": 253402300799000.0 for number in range(100_000)}
    client.zadd(f"budget:{{{organization_id}}}:shared:used", forged)

    with pytest.raises(BudgetWait) as waiting, patient.call(organization_id, lane=Lane.BULK, holder="run-1"):
        pass
    assert waiting.value.seconds <= 61
    assert client.zcard(f"budget:{{{organization_id}}}:shared:used") == 0
