"""Promises of workers/queue/messages.py: a message is a hint with two ids in it, sent to the phase's own actor."""

import importlib
import sys
import uuid

import dramatiq
import fakeredis
import pytest
import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import current_millis

from db.runs import StepRef
from db.webhook_events import Due, RefreshRef
from domain.entities import INVOICE, entities
from domain.runs import Phase
from workers.queue import LONGEST_DELAY_SECONDS, Queue, new_broker, send_refresh, send_step
from workers.queue.messages import ACTORS, refresh_actor

RUN_ID = uuid.UUID("11111111-2222-4333-8444-555555555555")
WORKING_PHASES = [phase for phase in Phase if phase is not Phase.DONE]


@pytest.fixture
def broker() -> StubBroker:
    broker = StubBroker(middleware=[])
    for queue in Queue:
        broker.declare_queue(queue)
    return broker


def sent(broker: StubBroker) -> list[Message[None]]:
    """All messages in the queues, including delayed ones."""
    return [Message.decode(queue.get_nowait()) for queue in broker.queues.values() for _ in range(queue.qsize())]


def a_step(phase: Phase = Phase.CONTACTS) -> StepRef:
    return StepRef(RUN_ID, 7, phase)


@pytest.mark.parametrize("phase", WORKING_PHASES)
def test_message_has_only_run_and_step(broker: StubBroker, phase: Phase) -> None:
    send_step(broker, a_step(phase))
    (message,) = sent(broker)
    assert (message.actor_name, message.queue_name) == ACTORS[phase]
    assert (message.args, message.kwargs, message.options) == ((str(RUN_ID), 7), {}, {})


def test_finished_run_sends_no_message(broker: StubBroker) -> None:
    send_step(broker, a_step(Phase.DONE))
    assert sent(broker) == []


def test_short_wait_is_a_delayed_message_that_is_never_early(broker: StubBroker) -> None:
    before = current_millis()
    send_step(broker, a_step(), delay_seconds=2.0001)
    (message,) = sent(broker)
    assert message.queue_name == f"{Queue.API}.DQ"
    assert message.options["eta"] >= before + 2001


@pytest.mark.parametrize("seconds", [0, 60])
def test_age_of_a_message_counts_from_its_due_time(broker: StubBroker, seconds: float) -> None:
    before = current_millis()
    send_step(broker, a_step(), delay_seconds=seconds)
    (message,) = sent(broker)
    assert 0 <= message.message_timestamp - before - seconds * 1000 < 1000


def test_message_without_a_wait_has_no_delay(broker: StubBroker) -> None:
    send_step(broker, a_step(), delay_seconds=0)
    (message,) = sent(broker)
    assert message.queue_name == Queue.API


@pytest.mark.parametrize(("seconds", "messages"), [(LONGEST_DELAY_SECONDS, 1), (LONGEST_DELAY_SECONDS + 1, 0)])
def test_long_wait_is_left_to_the_sweeper(broker: StubBroker, seconds: float, messages: int) -> None:
    send_step(broker, a_step(), delay_seconds=seconds)
    assert len(sent(broker)) == messages


def test_sent_message_is_stored_in_redis() -> None:
    client = fakeredis.FakeRedis()
    send_step(new_broker(client), a_step())
    (stored,) = client.hvals("dramatiq:api.msgs")
    assert isinstance(stored, bytes)
    assert Message.decode(stored).args == (str(RUN_ID), 7)


def test_unreachable_redis_raises_no_error() -> None:
    server = fakeredis.FakeServer()
    broker: RedisBroker = new_broker(fakeredis.FakeRedis(server=server))
    server.connected = False
    with pytest.raises(redis.ConnectionError):
        broker.client.ping()
    send_step(broker, a_step())


def test_each_phase_has_an_actor_for_its_messages(broker: StubBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dramatiq.broker, "global_broker", broker)
    monkeypatch.delitem(sys.modules, "workers.actors", raising=False)
    importlib.import_module("workers.actors")
    declared = {(actor.actor_name, actor.queue_name) for actor in broker.actors.values()}
    assert declared == set(ACTORS.values()) | {refresh_actor(entity) for entity in entities()}
    assert ACTORS.keys() == set(WORKING_PHASES)


class TestResyncs:
    REF = RefreshRef(RUN_ID, INVOICE, "8001")

    def test_message_has_only_connection_and_record(self, broker: StubBroker) -> None:
        send_refresh(broker, Due(self.REF, 0.0))
        (message,) = sent(broker)
        assert (message.actor_name, message.queue_name) == ("resync_invoice", Queue.INTERACTIVE)
        assert (message.args, message.kwargs, message.options) == ((str(RUN_ID), "8001"), {}, {})

    @pytest.mark.parametrize(
        ("seconds", "queues"),
        [(2.0, [f"{Queue.INTERACTIVE}.DQ"]), (LONGEST_DELAY_SECONDS + 1, [])],
    )
    def test_short_wait_is_a_delayed_message_and_long_wait_is_left_to_the_sweeper(
        self, broker: StubBroker, seconds: float, queues: list[str]
    ) -> None:
        send_refresh(broker, Due(self.REF, seconds))
        assert [message.queue_name for message in sent(broker)] == queues

    def test_unreachable_redis_raises_no_error(self) -> None:
        server = fakeredis.FakeServer()
        broker: RedisBroker = new_broker(fakeredis.FakeRedis(server=server))
        server.connected = False
        send_refresh(broker, Due(self.REF, 0.0))


def test_refreshes_have_priority_over_bulk_work(broker: StubBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dramatiq.broker, "global_broker", broker)
    monkeypatch.delitem(sys.modules, "workers.actors", raising=False)
    importlib.import_module("workers.actors")
    first = {refresh_actor(entity)[0] for entity in entities()}
    priorities = {actor.actor_name: actor.priority for actor in broker.actors.values()}
    assert max(priorities[name] for name in first) < min(priorities[name] for name in priorities.keys() - first)
