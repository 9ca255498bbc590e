"""Messages delivered twice, late, at once or never: the run ends in the same state, with the same counters."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum

import psycopg
import pytest
from dramatiq import Broker, Message
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db import summary
from db.runs import StepRef
from domain.runs import Mode, Phase
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import STEPS, Bench, Row
from tests.integration.chain.restless import RestlessZoho
from tests.truth import differences
from workers.boot.resources import Resources
from workers.boot.slices import SliceLimits
from workers.queue.messages import ACTORS
from workers.sync.run_steps import Step, run_step

pytestmark = pytest.mark.drill

BY_ACTOR: dict[str, Step] = {actor: STEPS[phase] for phase, (actor, _) in ACTORS.items()}


class Delivery(StrEnum):
    """The delivery of a message."""

    ONCE = "once"
    TWICE = "twice"  #: the second one right after the first
    AT_ONCE = "at_once"  #: to two workers at the same moment
    AGAIN_LATER = "again_later"
    LOST = "lost"  #: the sweeper sends its step again


class Mailbox(Broker):
    """A broker that keeps messages until the test delivers them."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.messages: list[Message[None]] = []

    def enqueue(self, message: "Message[None]", *, delay: int | None = None) -> "Message[None]":  # noqa: ARG002
        self.messages.append(message)
        return message


@dataclass
class Post:
    """Delivers the messages of one bench's runs."""

    resources: Resources
    mailbox: Mailbox = field(default_factory=Mailbox)

    def deliver(self, message: "Message[None]") -> None:
        run_id, step = message.args
        run_step(replace(self.resources, broker=self.mailbox), run_id, step, BY_ACTOR[message.actor_name])

    def handle(self, message: "Message[None]", how: Delivery) -> None:
        match how:
            case Delivery.ONCE:
                self.deliver(message)
            case Delivery.TWICE:
                self.deliver(message)
                self.deliver(message)
            case Delivery.AT_ONCE:
                with ThreadPoolExecutor(2) as workers:
                    list(workers.map(self.deliver, [message, message]))
            case Delivery.AGAIN_LATER:
                self.deliver(message)
                self.mailbox.messages.append(message)
            case Delivery.LOST:
                pass


@pytest.fixture
def zoho(restless: RestlessZoho) -> Iterator[SandboxControl]:
    with SandboxControl(restless.url) as control:
        yield control


@pytest.fixture
def connect(resources: Resources, zoho: SandboxControl) -> Callable[[], Bench]:
    """Connects another user to the same organisation, with an empty cache."""
    return lambda: Bench.connected(resources, zoho, user_id=uuid.uuid4())


@pytest.fixture
def undisturbed(connect: Callable[[], Bench]) -> Row:
    return connect().sync(Mode.FULL)


deliveries = st.lists(st.tuples(st.sampled_from(list(Delivery)), st.integers(0, 1_000)), min_size=10, max_size=120)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(order=deliveries, pages=st.sampled_from([1, 2, 30]), slow=st.sampled_from([0.0, 1.0]))
@example(order=[(Delivery.TWICE, 0)] * 200, pages=1, slow=1.0)
@example(order=[(Delivery.AT_ONCE, 0)] * 200, pages=2, slow=0.0)
@example(order=[(Delivery.AGAIN_LATER, 1), (Delivery.LOST, 0)] * 100, pages=30, slow=0.0)
def test_no_order_of_deliveries_makes_a_difference(
    connect: Callable[[], Bench],
    undisturbed: Row,
    database: psycopg.Connection,
    order: Sequence[tuple[Delivery, int]],
    pages: int,
    slow: float,
) -> None:
    bench = connect().with_slices(SliceLimits(pages=pages, slow_response_seconds=slow))
    result = run_by_post(bench, order)
    assert result["status"] == "succeeded"
    for figure in ("customers", "invoices", "reminders", "api_calls", "rejected"):
        assert result[figure] == undisturbed[figure]
    assert differences(bench.zoho.snapshot(), database, bench.connection_id) == []


def run_by_post(bench: Bench, order: Sequence[tuple[Delivery, int]]) -> Row:
    """Executes a full run with these deliveries, each chosen by number among pending messages; returns its summary."""
    post = Post(bench.resources)
    todo = list(order)
    run_id = bench.start(Mode.FULL).run_id
    while (step := bench.present_step()) is not None:
        if not post.mailbox.messages:
            bench.skip_waiting()
            post.mailbox.messages.append(a_message(step))
        how, number = todo.pop() if todo else (Delivery.ONCE, 0)
        post.handle(post.mailbox.messages.pop(number % len(post.mailbox.messages)), how)
    for late in post.mailbox.messages:
        post.deliver(late)
    with bench.resources.engine.connect() as db:
        return summary.run_summary(db, run_id)


def a_message(step: StepRef) -> "Message[None]":
    """The message as the sweeper sends it."""
    actor_name, queue_name = ACTORS[step.phase]
    return Message(
        queue_name=queue_name, actor_name=actor_name, args=(str(step.run_id), step.step), kwargs={}, options={}
    )


def test_a_message_of_a_later_step_does_nothing(connect: Callable[[], Bench]) -> None:
    bench = connect()
    first = bench.start(Mode.FULL)
    calls = bench.zoho.stats().count()
    Post(bench.resources).deliver(a_message(replace(first, step=first.step + 1, phase=Phase.INVOICES)))
    assert bench.present_step() == first
    assert bench.zoho.stats().count() == calls
