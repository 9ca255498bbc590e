"""Promises of the one queue of all connections: nobody stands behind the events of somebody else who has to wait."""

import uuid

from domain.webhooks import MOST_SENT
from sandbox.zoho.commands import FaultName
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.webhooks.hooks import CONTACT, Hooks, a_contact_id
from workers.scheduler import tick


def tell_of_many(hooks: Hooks, count: int) -> None:
    """Of contacts that Zoho does not have, so that each is asked for."""
    for number in range(count):
        hooks.tell(CONTACT, str(5_000_000 + number))


def test_no_more_messages_of_a_connection_are_under_way_than_a_few(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 10)
    assert len(hooks.messages()) == MOST_SENT
    for _ in range(3):
        tick(hooks.bench.resources)
    assert hooks.messages() == []


def test_another_organisations_event_passes_those_that_wait(hooks: Hooks) -> None:
    zoho = hooks.bench.zoho
    with SandboxControl(zoho.url, zoho.organization_ids()[1]) as other:
        quiet = Hooks(Bench.connected(hooks.bench.resources, other, user_id=uuid.uuid4()))
        zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=429, code=44)
        tell_of_many(hooks, MOST_SENT + 10)
        quiet.tell(CONTACT, a_contact_id(quiet))
        assert len(hooks.messages()) == MOST_SENT + 1


def test_the_others_have_their_turn_as_soon_as_the_first_are_settled(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 10)
    assert hooks.work() == MOST_SENT + 10
    assert None not in hooks.outcomes()


def test_a_turn_that_was_lost_is_given_by_the_scheduler(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 10)
    hooks.bench.rows("UPDATE resyncs SET handled = received WHERE sent_at IS NOT NULL RETURNING record_id")
    hooks.messages()
    tick(hooks.bench.resources)
    assert len(hooks.messages()) == 10


def test_an_event_of_a_record_that_has_no_message_yet_sends_none(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 1)
    hooks.messages()
    hooks.tell(CONTACT, str(5_000_000 + MOST_SENT))
    assert hooks.messages() == []
    hooks.lose_messages()
    tick(hooks.bench.resources)
    assert len(hooks.messages()) == MOST_SENT, "those lost are sent again, and no more"
