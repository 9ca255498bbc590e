"""Promises for a refresh that is given up: it leaves one dead letter, which closes once the record is up to date."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from db import connections, dead_letter_lists, dead_letters, event_history
from db.dead_letter_lists import Choice, Row
from db.webhook_events import Due
from domain.dead_letters import Cause, DeadLetterStatus
from domain.entities import CUSTOMER
from domain.runs import MAX_ATTEMPTS, Mode
from domain.webhooks import EventOutcome
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.scheduler import tick
from workers.secrets.tokens import SharedTokens
from workers.services.connect import connect_organization
from workers.services.retry import retry
from workers.sync.one_record import OneRecord
from workers.zoho.errors import TokenRevoked


def letters(hooks: Hooks) -> list[Row]:
    with hooks.bench.resources.engine.connect() as db:
        return dead_letter_lists.found(db, Choice(status=None))


def the_letter(hooks: Hooks) -> Row:
    """The only dead letter, open or closed."""
    (found,) = letters(hooks)
    return found


def last_of(hooks: Hooks) -> str:
    """The last entry in the dead letter's history."""
    with hooks.bench.resources.engine.connect() as db:
        return str(dead_letter_lists.dead_letter(db, the_letter(hooks)["id"])["history"][-1]["what"])


def send_again(hooks: Hooks) -> None:
    (told,) = retry(hooks.bench.resources, [the_letter(hooks)["id"]])
    assert told.is_sent


def fail(_: OneRecord) -> Sequence[Due]:
    raise ValueError("ada@example.com")


def die_of_a_defect(hooks: Hooks) -> str:
    """Fails every attempt of a contact's refresh, and returns the contact's id."""
    contact_id = a_contact_id(hooks)
    hooks.tell(CUSTOMER, contact_id)
    with capture_logs():
        for _ in range(MAX_ATTEMPTS):
            hooks.skip_waiting()
            hooks.take(CUSTOMER, contact_id, do=fail)
    return contact_id


class TestDying:
    def test_exhausted_retries_leave_a_dead_letter(self, hooks: Hooks) -> None:
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        found = the_letter(hooks)
        assert (found["cause"], found["actor"], found["queue_name"]) == (
            Cause.RETRIES_EXHAUSTED,
            "resync_contact",
            "interactive",
        )
        assert (found["error_type"], found["attempts"], found["failures"]) == ("ZohoUnavailable", MAX_ATTEMPTS, 1)
        assert (found["connection_id"], found["run_id"]) == (hooks.bench.connection_id, None)
        assert found["arguments"]["args"] == [str(hooks.bench.connection_id), contact_id]
        assert hooks.outcomes() == [EventOutcome.FAILED]

    def test_a_permanent_error_leaves_a_dead_letter_after_one_attempt(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        hooks.tell(CUSTOMER, a_contact_id(hooks))
        hooks.work()
        found = the_letter(hooks)
        assert (found["cause"], found["attempts"]) == (Cause.PERMANENT_ERROR, 1)
        assert hooks.outcomes() == [EventOutcome.FAILED]

    def test_a_defect_is_given_up_at_the_last_attempt_and_its_dead_letter_holds_no_value(self, hooks: Hooks) -> None:
        die_of_a_defect(hooks)
        found = the_letter(hooks)
        assert (found["cause"], found["error_type"], found["error"]) == (Cause.DEFECT, "ValueError", "ValueError")
        assert hooks.outcomes() == [EventOutcome.FAILED]

    def test_a_record_that_kills_its_process_leaves_a_dead_letter(self, hooks: Hooks) -> None:
        hooks.tell(CUSTOMER, a_contact_id(hooks))
        hooks.bench.rows(f"UPDATE booksync.refreshes SET attempts = {MAX_ATTEMPTS} RETURNING record_id")
        hooks.work()
        assert the_letter(hooks)["cause"] == Cause.PROCESS_KILLER
        assert hooks.outcomes() == [EventOutcome.FAILED]

    @pytest.mark.slow
    def test_an_outage_makes_one_group_with_one_dead_letter_for_each_record(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        for record_id in ("5000001", "5000002", "5000002"):
            hooks.tell(CUSTOMER, record_id)
            hooks.work()
        assert sorted(found["failures"] for found in letters(hooks)) == [1, 2]
        assert len({found["fingerprint"] for found in letters(hooks)}) == 1

    def test_the_dead_letter_and_the_events_outcome_are_one_transaction(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose(*_: object) -> int:
            raise ConnectionError

        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        hooks.tell(CUSTOMER, contact_id)
        monkeypatch.setattr(dead_letters, "keep", lose)
        with pytest.raises(ConnectionError):
            hooks.take(CUSTOMER, contact_id)
        assert hooks.outcomes() == [None]


class TestClosing:
    @pytest.fixture
    def contact_id(self, hooks: Hooks) -> str:
        """The id of a changed contact whose refresh was given up while Zoho was down."""
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
        fault = hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        hooks.bench.zoho.clear_faults(fault)
        return contact_id

    def test_a_retry_refreshes_the_record(self, hooks: Hooks, contact_id: str) -> None:
        send_again(hooks)
        assert the_letter(hooks)["status"] == DeadLetterStatus.OPEN
        hooks.work()
        assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"
        assert the_letter(hooks)["status"] == DeadLetterStatus.RETRIED
        assert hooks.outcomes() == [EventOutcome.FAILED]
        assert hooks.resync_row()["has_failed"] is False

    @pytest.mark.usefixtures("contact_id")
    def test_a_retry_has_its_own_attempts(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000, times=2)
        send_again(hooks)
        assert hooks.work() == 3
        assert the_letter(hooks)["status"] == DeadLetterStatus.RETRIED

    @pytest.mark.usefixtures("contact_id")
    def test_a_retry_with_another_failure_counts_in_the_same_dead_letter(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        send_again(hooks)
        hooks.work()
        found = the_letter(hooks)
        assert (found["status"], found["cause"], found["failures"]) == (DeadLetterStatus.OPEN, Cause.PERMANENT_ERROR, 2)

    def test_the_next_event_of_the_record_closes_the_dead_letter(self, hooks: Hooks, contact_id: str) -> None:
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        assert (the_letter(hooks)["status"], last_of(hooks)) == (DeadLetterStatus.RETRIED, "done")

    @pytest.mark.slow
    @pytest.mark.usefixtures("contact_id")
    def test_a_full_run_closes_the_dead_letter(self, hooks: Hooks) -> None:
        hooks.bench.sync()
        assert the_letter(hooks)["status"] == DeadLetterStatus.OPEN
        hooks.bench.sync(Mode.FULL)
        assert (the_letter(hooks)["status"], last_of(hooks)) == (DeadLetterStatus.RETRIED, "made up for by a full run")

    @pytest.mark.usefixtures("contact_id")
    def test_a_degraded_full_run_leaves_the_dead_letter_open(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=400, code=2)
        assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
        assert [found["status"] for found in letters(hooks)] == [DeadLetterStatus.OPEN] * 2

    @pytest.mark.slow
    def test_a_defect_stays_open_even_if_a_later_refresh_succeeds(self, hooks: Hooks) -> None:
        contact_id = die_of_a_defect(hooks)
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        hooks.bench.sync(Mode.FULL)
        assert the_letter(hooks)["status"] == DeadLetterStatus.OPEN

    @pytest.mark.usefixtures("contact_id")
    def test_an_open_dead_letter_can_be_retried_after_its_event_was_pruned(self, hooks: Hooks) -> None:
        hooks.bench.rows("UPDATE booksync.webhook_events SET received_at = now() - interval '8 days' RETURNING id")
        with hooks.bench.resources.engine.begin() as db:
            assert event_history.prune(db, days=7, limit=10) == 1
            event_history.prune_records(db, limit=10)
        send_again(hooks)
        hooks.work()
        assert the_letter(hooks)["status"] == DeadLetterStatus.RETRIED


class TestParking:
    @pytest.fixture
    def contact_id(self, hooks: Hooks) -> str:
        """The id of a contact for whose event Zoho refuses the connection."""
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
        contact_id = a_contact_id(hooks)
        hooks.tell(CUSTOMER, contact_id)
        hooks.work()
        return contact_id

    def connect_again(self, hooks: Hooks) -> None:
        (connection,) = hooks.bench.rows("SELECT user_id FROM booksync.zoho_connections")
        connect_organization(
            hooks.bench.resources,
            user_id=connection["user_id"],
            organization_id=hooks.bench.zoho.organization_id,
            data_center="com",
            grant_code=hooks.bench.zoho.grant_code(),
        )

    def test_parking_leaves_a_dead_letter_and_a_reason(self, hooks: Hooks, contact_id: str) -> None:
        (connection,) = hooks.bench.rows("SELECT status, parked_reason FROM booksync.zoho_connections")
        found = the_letter(hooks)
        assert connection == {"status": "parked", "parked_reason": found["error"]}
        assert (found["cause"], found["arguments"]["args"][1]) == (Cause.PERMANENT_ERROR, contact_id)
        assert hooks.outcomes() == [None]

    def test_two_refused_events_leave_one_dead_letter(self, hooks: Hooks) -> None:
        one, two = a_contact_id(hooks), "5000001"
        for record_id in (one, two):
            hooks.tell(CUSTOMER, record_id)

        def refuse(_: OneRecord) -> Sequence[Due]:
            raise TokenRevoked("the token endpoint")

        def refuse_both(record: OneRecord) -> Sequence[Due]:
            assert not record.connection.is_parked
            hooks.take(CUSTOMER, two, do=refuse)
            return refuse(record)

        hooks.take(CUSTOMER, one, do=refuse_both)
        assert the_letter(hooks)["arguments"]["args"][1] == two
        assert hooks.outcomes() == [None, None]

    @pytest.mark.usefixtures("contact_id")
    def test_a_retry_requires_a_reconnect_and_the_dead_letter_then_closes(self, hooks: Hooks) -> None:
        (told,) = retry(hooks.bench.resources, [the_letter(hooks)["id"]])
        assert (told.is_sent, "booksync connect" in told.sentence) == (False, True)
        hooks.bench.zoho.clear_faults()
        self.connect_again(hooks)
        hooks.lose_messages()
        tick(hooks.bench.resources)
        hooks.work()
        assert (the_letter(hooks)["status"], hooks.outcomes()) == (DeadLetterStatus.RETRIED, [EventOutcome.ASKED])

    def test_a_refresh_that_began_before_the_reconnect_does_not_park_the_connection(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact_id = a_contact_id(hooks)
        hooks.tell(CUSTOMER, contact_id)

        def refuse_late(record: SharedTokens) -> None:
            monkeypatch.undo()
            self.connect_again(hooks)
            raise TokenRevoked("the token endpoint")

        monkeypatch.setattr(SharedTokens, "current", refuse_late)
        hooks.take(CUSTOMER, contact_id)
        with hooks.bench.resources.engine.connect() as db:
            assert not connections.connection(db, hooks.bench.connection_id).is_parked
        assert letters(hooks) == []
        hooks.work()
        assert hooks.outcomes() == [EventOutcome.ASKED]

    def test_a_run_that_began_before_the_reconnect_does_not_park_the_connection(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse_late(record: SharedTokens) -> None:
            monkeypatch.undo()
            self.connect_again(hooks)
            raise TokenRevoked("the token endpoint")

        monkeypatch.setattr(SharedTokens, "current", refuse_late)
        assert hooks.bench.sync()["status"] == "succeeded"
        with hooks.bench.resources.engine.connect() as db:
            assert not connections.connection(db, hooks.bench.connection_id).is_parked
