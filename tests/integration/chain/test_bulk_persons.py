"""The bulk read of persons: no phone number of another person, whatever is deleted between two of its pages."""

from collections.abc import Sequence

import psycopg
import pytest

from domain.persons import MAX_CONFIRMING_CALLS
from domain.runs import Mode, Phase
from domain.walk import LEAP
from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import LIMIT
from tests.integration.chain.contact_persons import contacts_of_three, delete_after_call
from tests.truth import differences


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=0, invoices=0, requests_per_minute=LIMIT)
    return simulator


@pytest.mark.slow
@pytest.mark.parametrize("after_call", drilled_except((1, 3), range(1, 5)))
def test_contacts_deleted_between_two_pages_leave_every_phone_right(
    bench: Bench, database: psycopg.Connection, after_call: int
) -> None:
    made = contacts_of_three(bench, 250)
    delete_after_call(bench, after_call, made[:2])
    result = bench.sync()
    assert result["status"] == "succeeded"
    assert differences(bench.zoho.snapshot(), database) == []
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0


@pytest.mark.slow
def test_contacts_deleted_during_the_rereading_of_a_leap_leave_every_phone_right(
    bench: Bench, database: psycopg.Connection
) -> None:
    made = contacts_of_three(bench, 1_800)
    delete_after_call(bench, LEAP // 2, made[:2])
    bench.sync()
    assert differences(bench.zoho.snapshot(), database) == []
    assert bench.zoho.stats().count(CallKind.CONTACT) == 0


@pytest.mark.slow
def test_the_list_is_read_although_zoho_refuses_other_page_lengths(bench: Bench, database: psycopg.Connection) -> None:
    made = contacts_of_three(bench, 250)
    bench.zoho.fault(FaultName.PAGE_LENGTH_REFUSED, kind=CallKind.BULK_PERSONS)
    delete_after_call(bench, 4, made[:2])
    assert bench.sync()["status"] == "succeeded"
    assert differences(bench.zoho.snapshot(), database) == []
    assert bench.rows("SELECT bulk_persons_refused_at FROM booksync.zoho_connections") == [
        {"bulk_persons_refused_at": None}
    ]


@pytest.mark.slow
def test_a_bulk_read_started_by_the_previous_release_starts_again(bench: Bench, database: psycopg.Connection) -> None:
    contacts_of_three(bench, 250)
    bench.start(Mode.FULL)
    while (step := bench.present_step()) is not None and step.phase is not Phase.PERSONS:
        bench.take(step)
    bench.rows(
        """
        UPDATE booksync.sync_runs SET position = position - 'persons' - 'persons_calls'
               || '{"persons_page": 3, "persons_swept": false, "persons_swept_at": "2026-03-02T09:30:00+00:00"}'
        RETURNING id
        """
    )
    while (step := bench.present_step()) is not None:
        bench.take(step)
    assert differences(bench.zoho.snapshot(), database) == []


def test_a_contact_without_its_primary_person_needs_a_detail_call(bench: Bench, database: psycopg.Connection) -> None:
    contacts_of_three(bench, 1)
    primary = bench.zoho.snapshot()["contacts"][0]["contact_persons"][0]["contact_person_id"]
    bench.zoho.fault(FaultName.PERSON_MISSING, record_id=primary)
    bench.sync()
    assert bench.zoho.stats().count(CallKind.CONTACT) == 1
    assert differences(bench.zoho.snapshot(), database) == []


def promote_after_the_bulk_read(bench: Bench, contact_ids: Sequence[str], *, calls: int) -> dict[str, str]:
    """Makes the second persons primary, which moves no modified time; returns their numbers by contact."""
    seconds = {
        contact["contact_id"]: contact["contact_persons"][1]
        for contact in bench.zoho.snapshot()["contacts"]
        if contact["contact_id"] in contact_ids
    }
    bench.zoho.fault(
        FaultName.MUTATION_AFTER,
        kind=CallKind.BULK_PERSONS,
        requests=calls,
        mutations=[
            ask.EditPerson(contact_person_id=int(person["contact_person_id"]), primary=True, stamp_contact=False)
            for person in seconds.values()
        ],
    )
    return {contact_id: person["mobile"] for contact_id, person in seconds.items()}


def test_a_row_that_contradicts_the_bulk_read_is_resolved_by_one_detail_call(
    bench: Bench, database: psycopg.Connection
) -> None:
    promote_after_the_bulk_read(bench, contacts_of_three(bench, 1), calls=1)
    bench.sync()
    assert differences(bench.zoho.snapshot(), database) == []
    bench.sync(Mode.FULL)
    assert differences(bench.zoho.snapshot(), database) == []
    assert bench.zoho.stats().count(CallKind.CONTACT) == 1


@pytest.mark.slow
def test_beyond_the_detail_calls_of_a_run_the_number_of_the_row_counts_until_the_next_full_run(
    bench: Bench, database: psycopg.Connection
) -> None:
    made = contacts_of_three(bench, MAX_CONFIRMING_CALLS + 5)
    expected = promote_after_the_bulk_read(bench, made, calls=3)
    bench.sync()
    assert bench.zoho.stats().count(CallKind.CONTACT) == MAX_CONFIRMING_CALLS
    assert {key: row["primary_phone"] for key, row in bench.customers().items()} == expected
    bench.sync(Mode.FULL)
    assert differences(bench.zoho.snapshot(), database) == []


@pytest.mark.slow
class TestWithoutTheBulkList:
    @pytest.fixture
    def refused(self, bench: Bench) -> Bench:
        """A day after a first sync by detail calls."""
        contacts_of_three(bench, 30)
        bench.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
        bench.sync()
        self.a_day_passes(bench)
        bench.zoho.reset_stats()
        return bench

    def a_day_passes(self, bench: Bench) -> None:
        bench.rows(
            """
            UPDATE booksync.customers_cache SET details_observed_at = details_observed_at - interval '1 day',
                   observed_at = observed_at - interval '1 day', switch_asked_at = switch_asked_at - interval '1 day'
            RETURNING id
            """
        )

    def test_a_full_run_finds_a_changed_person_without_a_changed_stamp(
        self, refused: Bench, database: psycopg.Connection
    ) -> None:
        person = refused.zoho.snapshot()["contacts"][7]["contact_persons"][1]["contact_person_id"]
        refused.zoho.edit_person(person, stamp_contact=False, mobile="+447911123456")
        result = refused.sync(Mode.FULL)
        assert result["customers"]["updated"] == 1
        assert differences(refused.zoho.snapshot(), database) == []

    def test_a_full_run_rereads_the_oldest_details_up_to_a_limit(
        self, refused: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.sync.old_details.DETAILS_REREAD", 25)
        first = set(self.read_again(refused))
        assert len(first) == refused.zoho.stats().count(CallKind.CONTACT) == 25
        second = set(self.read_again(refused))
        assert second == set(refused.customers()) - first, "the rest; those of a minute ago are young"

    def read_again(self, bench: Bench) -> list[str]:
        before = {key: row["details_observed_at"] for key, row in bench.customers().items()}
        bench.sync(Mode.FULL)
        return [key for key, row in bench.customers().items() if row["details_observed_at"] != before[key]]

    def test_details_that_were_never_read_come_first(self, refused: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("workers.sync.old_details.DETAILS_REREAD", 1)
        last = max(refused.customers())
        refused.rows(
            "UPDATE booksync.customers_cache SET details_observed_at = NULL "
            "WHERE zoho_customer_id = %(id)s RETURNING id",
            id=last,
        )
        assert self.read_again(refused) == [last]

    def test_details_of_the_same_day_are_not_read_again(self, refused: Bench) -> None:
        refused.sync(Mode.FULL)
        refused.zoho.reset_stats()
        refused.sync(Mode.FULL)
        assert refused.zoho.stats().count(CallKind.CONTACT) == 0

    def test_an_incremental_run_rereads_no_details(self, refused: Bench) -> None:
        refused.sync()
        assert refused.zoho.stats().count(CallKind.CONTACT) == 0

    def test_the_calls_of_a_run_are_counted(self, refused: Bench) -> None:
        result = refused.sync(Mode.FULL)
        assert result["api_calls"] == refused.zoho.stats().count()
        assert refused.zoho.stats().count(CallKind.CONTACT) == 30

    def test_a_response_that_cannot_be_understood_does_not_block_other_contacts(
        self, refused: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.sync.old_details.DETAILS_REREAD", 1)
        first = min(refused.customers())
        refused.zoho.fault(FaultName.ANSWER, path=f"/contacts/{first}", status=400, code=2)
        assert refused.sync(Mode.FULL)["status"] == "succeeded"
        assert self.read_again(refused) == [sorted(refused.customers())[1]]

    def test_a_failing_zoho_costs_few_calls_and_does_not_fail_the_run(self, refused: Bench) -> None:
        refused.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
        assert refused.sync(Mode.FULL)["status"] == "succeeded"
        assert refused.zoho.stats().count(CallKind.CONTACT) == 3


def test_a_contact_with_a_rejected_person_needs_a_detail_call_and_keeps_its_persons(bench: Bench) -> None:
    contact_id = bench.zoho.create_contact(
        contact_name="Ada Ltd",
        persons=[
            ask.PersonFields(mobile="+44 7911 123456"),
            ask.PersonFields(first_name="Bob", mobile="+44 7911 123457"),
        ],
    )
    persons = next(each for each in bench.zoho.snapshot()["contacts"] if each["contact_id"] == contact_id)
    (bob,) = (each for each in persons["contact_persons"] if each["first_name"] == "Bob")
    bench.zoho.fault(
        FaultName.HOSTILE_ROW,
        kind=CallKind.BULK_PERSONS,
        everywhere=True,
        record_id=bob["contact_person_id"],
        row=HostileRow.MISSING_ID,
    )
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    cached = bench.customers()[contact_id]["contact_persons"]
    assert bob["contact_person_id"] in {person["contact_person_id"] for person in cached}
    (rejected,) = bench.rows("SELECT record_id, reason FROM booksync.rejected_records WHERE kind = 'person'")
    assert rejected["record_id"] == contact_id
    assert rejected["reason"].endswith("the id is its contact's")
