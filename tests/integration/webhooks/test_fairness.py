"""Promises of the queue that all connections share: waiting events of one organisation do not delay another's."""

import uuid
from collections.abc import Sequence

import pytest

from db.webhook_events import Due
from domain.entities import CUSTOMER
from domain.webhooks import MOST_SENT, EventOutcome
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.queue.thread_shares import ThreadShares
from workers.scheduler import tick
from workers.sync.fair_refreshes import refresh_fairly
from workers.sync.one_record import OneRecord, refresh
from workers.sync.refreshes import Refresh


def take_fairly(hooks: Hooks, shares: ThreadShares, contact_id: str, *, do: Refresh = refresh) -> None:
    """Processes a contact's message as a worker does."""
    connection_id = str(hooks.bench.connection_id)
    refresh_fairly(hooks.bench.resources, shares, connection_id, CUSTOMER, contact_id, do=do)


def tell_of_many(hooks: Hooks, count: int) -> None:
    """Sends events of contacts that Zoho does not have, so each one needs a call."""
    for number in range(count):
        hooks.tell(CUSTOMER, str(5_000_000 + number))


@pytest.mark.slow
def test_only_a_few_messages_of_a_connection_are_under_way(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 10)
    assert len(hooks.messages()) == MOST_SENT
    for _ in range(3):
        tick(hooks.bench.resources)
    assert hooks.messages() == []


@pytest.mark.slow
def test_another_organisations_event_does_not_wait_behind_a_flood(hooks: Hooks) -> None:
    zoho = hooks.bench.zoho
    with SandboxControl(zoho.url, zoho.organization_ids()[1]) as other:
        quiet = Hooks(Bench.connected(hooks.bench.resources, other, user_id=uuid.uuid4()))
        zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=429, code=44)
        tell_of_many(hooks, MOST_SENT + 10)
        quiet.tell(CUSTOMER, a_contact_id(quiet))
        assert len(hooks.messages()) == MOST_SENT + 1


@pytest.mark.slow
def test_waiting_removals_are_sent_as_soon_as_the_first_are_handled(hooks: Hooks) -> None:
    for number in range(MOST_SENT + 10):
        hooks.tell(CUSTOMER, str(5_000_000 + number), event="deleted")
    assert hooks.work() == MOST_SENT + 10
    assert None not in hooks.outcomes()


def test_an_organisation_gets_no_thread_beyond_its_share(hooks: Hooks) -> None:
    first, second = "5000000", "5000001"
    tell_of_many(hooks, 2)
    hooks.messages()
    shares = ThreadShares(2)

    def meanwhile(record: OneRecord) -> Sequence[Due]:
        take_fairly(hooks, shares, second)
        return refresh(record)

    take_fairly(hooks, shares, first, do=meanwhile)
    (sent_again,) = hooks.messages("interactive.DQ")
    assert sent_again.args[1] == second
    rows = {
        row["record_id"]: row for row in hooks.bench.rows("SELECT record_id, attempts, handled FROM booksync.refreshes")
    }
    assert rows[first]["handled"] == 1
    assert (rows[second]["handled"], rows[second]["attempts"]) == (0, 0)
    take_fairly(hooks, shares, second)
    assert hooks.outcomes() == [EventOutcome.IGNORED] * 2


def test_another_organisation_gets_a_thread_during_a_flood(hooks: Hooks) -> None:
    zoho, shares = hooks.bench.zoho, ThreadShares(2)
    with SandboxControl(zoho.url, zoho.organization_ids()[1]) as other:
        quiet = Hooks(Bench.connected(hooks.bench.resources, other, user_id=uuid.uuid4()))
        tell_of_many(hooks, 1)
        tell_of_many(quiet, 1)

        def meanwhile(record: OneRecord) -> Sequence[Due]:
            take_fairly(quiet, shares, "5000000")
            return refresh(record)

        take_fairly(hooks, shares, "5000000", do=meanwhile)
    assert hooks.outcomes() == [EventOutcome.IGNORED] * 2


def test_a_second_connection_of_the_organisation_shares_its_threads(hooks: Hooks) -> None:
    shares = ThreadShares(2)
    another = Hooks(Bench.connected(hooks.bench.resources, hooks.bench.zoho, user_id=uuid.uuid4()))
    tell_of_many(hooks, 1)
    tell_of_many(another, 1)

    def meanwhile(record: OneRecord) -> Sequence[Due]:
        take_fairly(another, shares, "5000000")
        return refresh(record)

    take_fairly(hooks, shares, "5000000", do=meanwhile)
    assert hooks.outcomes() == [EventOutcome.IGNORED, None]


@pytest.mark.slow
def test_the_scheduler_sends_waiting_records_that_no_worker_has_sent(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 10)
    hooks.bench.rows("UPDATE booksync.refreshes SET handled = received WHERE sent_at IS NOT NULL RETURNING record_id")
    hooks.messages()
    tick(hooks.bench.resources)
    assert len(hooks.messages()) == 10


def test_another_event_of_a_waiting_record_sends_no_message(hooks: Hooks) -> None:
    tell_of_many(hooks, MOST_SENT + 1)
    hooks.messages()
    hooks.tell(CUSTOMER, str(5_000_000 + MOST_SENT))
    assert hooks.messages() == []
    hooks.lose_messages()
    tick(hooks.bench.resources)
    assert len(hooks.messages()) == MOST_SENT, "only the lost messages are sent again"
