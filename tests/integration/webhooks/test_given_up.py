"""Promises of a record's resync that is given up: one letter, which closes when the record is up to date again."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from db import connections, dead_letter_lists, dead_letters, webhook_events
from db.dead_letter_lists import Choice, Row
from db.webhook_events import Due
from domain.dead_letters import Cause, LetterStatus
from domain.runs import MAX_ATTEMPTS, Mode
from domain.webhooks import Outcome
from sandbox.zoho.commands import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.webhooks.hooks import CONTACT, Hooks, a_contact_id
from workers.scheduler import tick
from workers.secrets.tokens import SharedTokens
from workers.services.connect import link_organization
from workers.services.retry import retry
from workers.sync.one_record import OneRecord
from workers.zoho.errors import TokenRevoked


def letters(hooks: Hooks) -> list[Row]:
    with hooks.bench.resources.engine.connect() as connection:
        return dead_letter_lists.letters(connection, Choice(status=None))


def the_letter(hooks: Hooks) -> Row:
    """The only one, open or closed."""
    (found,) = letters(hooks)
    return found


def last_of(hooks: Hooks) -> str:
    """What has happened to it last."""
    with hooks.bench.resources.engine.connect() as connection:
        return str(dead_letter_lists.letter(connection, the_letter(hooks)["id"])["history"][-1]["what"])


def send_again(hooks: Hooks) -> None:
    (told,) = retry(hooks.bench.resources, [the_letter(hooks)["id"]])
    assert told.is_sent


def fail(_: OneRecord) -> Sequence[Due]:
    raise ValueError("ada@example.com")


def die_of_a_defect(hooks: Hooks) -> str:
    """The contact that was told of, and whose every attempt failed."""
    contact_id = a_contact_id(hooks)
    hooks.tell(CONTACT, contact_id)
    with capture_logs():
        for _ in range(MAX_ATTEMPTS):
            hooks.skip_waiting()
            hooks.take(CONTACT, contact_id, do=fail)
    return contact_id


class TestDying:
    def test_retries_that_are_exhausted(self, hooks: Hooks) -> None:
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        hooks.tell(CONTACT, contact_id)
        hooks.work()
        found = the_letter(hooks)
        assert (found["cause"], found["actor"], found["queue_name"]) == (
            Cause.RETRIES_EXHAUSTED,
            "resync_contact",
            "interactive",
        )
        assert (found["error_type"], found["attempts"], found["deaths"]) == ("ZohoUnavailable", MAX_ATTEMPTS, 1)
        assert (found["connection_id"], found["run_id"]) == (hooks.bench.connection_id, None)
        assert found["arguments"]["args"] == [str(hooks.bench.connection_id), contact_id]
        assert hooks.outcomes() == [Outcome.FAILED]

    def test_what_zoho_will_never_answer_dies_at_once(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        hooks.tell(CONTACT, a_contact_id(hooks))
        hooks.work()
        found = the_letter(hooks)
        assert (found["cause"], found["attempts"]) == (Cause.PERMANENT_ERROR, 1)
        assert hooks.outcomes() == [Outcome.FAILED]

    def test_a_defect_dies_at_the_last_attempt_and_tells_no_value(self, hooks: Hooks) -> None:
        die_of_a_defect(hooks)
        found = the_letter(hooks)
        assert (found["cause"], found["error_type"], found["error"]) == (Cause.DEFECT, "ValueError", "ValueError")
        assert hooks.outcomes() == [Outcome.FAILED]

    def test_a_record_that_kills_its_process(self, hooks: Hooks) -> None:
        hooks.tell(CONTACT, a_contact_id(hooks))
        hooks.bench.rows(f"UPDATE resyncs SET attempts = {MAX_ATTEMPTS} RETURNING record_id")
        hooks.work()
        assert the_letter(hooks)["cause"] == Cause.PROCESS_KILLER
        assert hooks.outcomes() == [Outcome.FAILED]

    def test_an_outage_of_many_records_is_one_group_and_each_record_one_letter(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        for record_id in ("5000001", "5000002", "5000002"):
            hooks.tell(CONTACT, record_id)
            hooks.work()
        assert sorted(found["deaths"] for found in letters(hooks)) == [1, 2]
        assert len({found["fingerprint"] for found in letters(hooks)}) == 1

    def test_a_letter_and_the_events_end_are_written_together_or_not_at_all(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose(*_: object) -> int:
            raise ConnectionError

        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        hooks.tell(CONTACT, contact_id)
        monkeypatch.setattr(dead_letters, "keep", lose)
        with pytest.raises(ConnectionError):
            hooks.take(CONTACT, contact_id)
        assert hooks.outcomes() == [None]


class TestClosing:
    @pytest.fixture
    def contact_id(self, hooks: Hooks) -> str:
        """Of a record that was given up while Zoho was down, and that has changed."""
        contact_id = a_contact_id(hooks)
        hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
        fault = hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        hooks.tell(CONTACT, contact_id)
        hooks.work()
        hooks.bench.zoho.clear_faults(fault)
        return contact_id

    def test_a_retry_asks_for_the_record_again(self, hooks: Hooks, contact_id: str) -> None:
        send_again(hooks)
        assert the_letter(hooks)["status"] == LetterStatus.OPEN
        hooks.work()
        assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"
        assert the_letter(hooks)["status"] == LetterStatus.RETRIED
        assert hooks.outcomes() == [Outcome.FAILED]
        assert hooks.resync_row()["has_failed"] is False

    @pytest.mark.usefixtures("contact_id")
    def test_a_retry_has_attempts_of_its_own(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000, times=2)
        send_again(hooks)
        assert hooks.work() == 3
        assert the_letter(hooks)["status"] == LetterStatus.RETRIED

    @pytest.mark.usefixtures("contact_id")
    def test_a_retry_that_dies_of_something_else_is_the_same_letter(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=2)
        send_again(hooks)
        hooks.work()
        found = the_letter(hooks)
        assert (found["status"], found["cause"], found["deaths"]) == (LetterStatus.OPEN, Cause.PERMANENT_ERROR, 2)

    def test_so_does_the_next_event_of_the_record(self, hooks: Hooks, contact_id: str) -> None:
        hooks.tell(CONTACT, contact_id)
        hooks.work()
        assert (the_letter(hooks)["status"], last_of(hooks)) == (LetterStatus.RETRIED, "done")

    @pytest.mark.usefixtures("contact_id")
    def test_a_full_run_makes_up_for_it(self, hooks: Hooks) -> None:
        hooks.bench.sync()
        assert the_letter(hooks)["status"] == LetterStatus.OPEN
        hooks.bench.sync(Mode.FULL)
        assert (the_letter(hooks)["status"], last_of(hooks)) == (LetterStatus.RETRIED, "made up for by a full run")

    @pytest.mark.usefixtures("contact_id")
    def test_one_that_does_not_read_everything_leaves_it(self, hooks: Hooks) -> None:
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=400, code=2)
        assert hooks.bench.sync(Mode.FULL)["status"] == "degraded"
        assert [found["status"] for found in letters(hooks)] == [LetterStatus.OPEN] * 2

    def test_a_defect_waits_for_a_person_even_if_the_record_is_well_again(self, hooks: Hooks) -> None:
        contact_id = die_of_a_defect(hooks)
        hooks.tell(CONTACT, contact_id)
        hooks.work()
        hooks.bench.sync(Mode.FULL)
        assert the_letter(hooks)["status"] == LetterStatus.OPEN

    @pytest.mark.usefixtures("contact_id")
    def test_an_open_letter_can_be_retried_however_old_its_event_is(self, hooks: Hooks) -> None:
        hooks.bench.rows("UPDATE webhook_events SET received_at = now() - interval '8 days' RETURNING id")
        with hooks.bench.resources.engine.begin() as connection:
            assert webhook_events.prune(connection, days=7) == 1
        send_again(hooks)
        hooks.work()
        assert the_letter(hooks)["status"] == LetterStatus.RETRIED


class TestParking:
    @pytest.fixture
    def contact_id(self, hooks: Hooks) -> str:
        """Of an event for which Zoho refuses the connection."""
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=400, code=6041)
        contact_id = a_contact_id(hooks)
        hooks.tell(CONTACT, contact_id)
        hooks.work()
        return contact_id

    def connect_again(self, hooks: Hooks) -> None:
        (link,) = hooks.bench.rows("SELECT user_id FROM zoho_connections")
        link_organization(
            hooks.bench.resources,
            user_id=link["user_id"],
            organization_id=hooks.bench.zoho.organization_id,
            data_center="com",
            grant_code=hooks.bench.zoho.grant_code(),
        )

    def test_it_leaves_a_letter_and_a_reason(self, hooks: Hooks, contact_id: str) -> None:
        (link,) = hooks.bench.rows("SELECT status, parked_reason FROM zoho_connections")
        found = the_letter(hooks)
        assert link == {"status": "parked", "parked_reason": found["error"]}
        assert (found["cause"], found["arguments"]["args"][1]) == (Cause.PERMANENT_ERROR, contact_id)
        assert hooks.outcomes() == [None]

    def test_two_events_at_once_leave_one(self, hooks: Hooks) -> None:
        one, two = a_contact_id(hooks), "5000001"
        for record_id in (one, two):
            hooks.tell(CONTACT, record_id)

        def refuse(_: OneRecord) -> Sequence[Due]:
            raise TokenRevoked("the token endpoint")

        def refuse_both(record: OneRecord) -> Sequence[Due]:
            assert not record.link.is_parked
            hooks.take(CONTACT, two, do=refuse)
            return refuse(record)

        hooks.take(CONTACT, one, do=refuse_both)
        assert the_letter(hooks)["arguments"]["args"][1] == two
        assert hooks.outcomes() == [None, None]

    @pytest.mark.usefixtures("contact_id")
    def test_it_is_connected_first_and_then_closes_by_itself(self, hooks: Hooks) -> None:
        (told,) = retry(hooks.bench.resources, [the_letter(hooks)["id"]])
        assert (told.is_sent, "booksync connect" in told.sentence) == (False, True)
        hooks.bench.zoho.clear_faults()
        self.connect_again(hooks)
        hooks.lose_messages()
        tick(hooks.bench.resources)
        hooks.work()
        assert (the_letter(hooks)["status"], hooks.outcomes()) == (LetterStatus.RETRIED, [Outcome.ASKED])

    def test_who_began_before_it_was_connected_again_does_not_park_it(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contact_id = a_contact_id(hooks)
        hooks.tell(CONTACT, contact_id)

        def refuse_late(record: SharedTokens) -> None:
            monkeypatch.undo()
            self.connect_again(hooks)
            raise TokenRevoked("the token endpoint")

        monkeypatch.setattr(SharedTokens, "current", refuse_late)
        hooks.take(CONTACT, contact_id)
        with hooks.bench.resources.engine.connect() as connection:
            assert not connections.link(connection, hooks.bench.connection_id).is_parked
        assert letters(hooks) == []
        hooks.work()
        assert hooks.outcomes() == [Outcome.ASKED]

    def test_neither_does_a_run(self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse_late(record: SharedTokens) -> None:
            monkeypatch.undo()
            self.connect_again(hooks)
            raise TokenRevoked("the token endpoint")

        monkeypatch.setattr(SharedTokens, "current", refuse_late)
        assert hooks.bench.sync()["status"] == "succeeded"
        with hooks.bench.resources.engine.connect() as connection:
            assert not connections.link(connection, hooks.bench.connection_id).is_parked
