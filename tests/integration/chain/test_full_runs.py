"""A full run finds changes without events: deletions, merges, and persons removed without a new contact stamp."""

import pytest

from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench


def without_invoices(bench: Bench, count: int) -> list[str]:
    """Customers without invoices."""
    owners = {invoice["zoho_customer_id"] for invoice in bench.invoices().values()}
    return sorted(set(bench.customers()) - owners)[:count]


def with_invoices(bench: Bench) -> str:
    return str(min(invoice["zoho_customer_id"] for invoice in bench.invoices().values()))


def test_a_deleted_customer_is_confirmed_marked_and_no_longer_reminded(synced: Bench) -> None:
    gone = with_invoices(synced)
    synced.zoho.delete_contact(gone, with_invoices=True)
    result = synced.sync(Mode.FULL)
    assert result["status"] == "succeeded"
    assert synced.customers()[gone]["status"] == "deleted"
    assert synced.zoho.stats().count(CallKind.CONTACT, status=404) == 1
    pending = synced.rows(
        "SELECT r.id FROM reminders r JOIN booksync.customers_cache c ON c.id = r.customer_id "
        "WHERE c.zoho_customer_id = %(gone)s AND r.status = 'scheduled'",
        gone=gone,
    )
    assert pending == []
    own = [invoice for invoice in synced.invoices().values() if invoice["zoho_customer_id"] == gone]
    assert {invoice["status"] for invoice in own} == {"deleted"}


def test_an_incremental_run_finds_no_deletion(synced: Bench) -> None:
    gone = without_invoices(synced, 1)[0]
    synced.zoho.delete_contact(gone)
    synced.sync()
    assert synced.customers()[gone]["status"] != "deleted"


def test_a_merge_moves_the_invoices_and_deletes_the_loser(synced: Bench) -> None:
    loser = with_invoices(synced)
    winner = next(key for key in sorted(synced.customers()) if key != loser)
    synced.zoho.merge_contacts(winner, loser, stamp_invoices=False)
    synced.sync(Mode.FULL)
    assert synced.customers()[loser]["status"] == "deleted"
    live = [invoice for invoice in synced.invoices().values() if invoice["status"] != "deleted"]
    assert loser not in {invoice["zoho_customer_id"] for invoice in live}
    by_id = {row["id"]: row["zoho_customer_id"] for row in synced.customers().values()}
    assert all(by_id[invoice["customer_id"]] == invoice["zoho_customer_id"] for invoice in live)


@pytest.mark.slow
def test_suspiciously_many_deletions_are_not_marked_without_permission(synced: Bench) -> None:
    gone = sorted(synced.customers())[:11]
    for contact_id in gone:
        synced.zoho.delete_contact(contact_id, with_invoices=True)
    braked = synced.sync(Mode.FULL)
    assert braked["status"] == "degraded"
    assert "--allow-deletions" in braked["reason"]
    for cached in (synced.customers(), synced.invoices()):
        assert "deleted" not in {row["status"] for row in cached.values()}

    allowed = synced.sync(Mode.FULL, allow_deletions=True)
    assert allowed["status"] == "succeeded"
    assert {synced.customers()[contact_id]["status"] for contact_id in gone} == {"deleted"}


def test_a_deleted_customer_that_returns_is_live_again(synced: Bench) -> None:
    contact_id = without_invoices(synced, 1)[0]
    synced.rows(
        "UPDATE booksync.customers_cache SET status = 'deleted', observed_at = observed_at - interval '1 hour' "
        "WHERE zoho_customer_id = %(id)s RETURNING id",
        id=contact_id,
    )
    result = synced.sync(Mode.FULL)
    assert synced.customers()[contact_id]["status"] != "deleted"
    assert result["customers"]["updated"] == 1


def test_a_record_missing_from_the_list_is_confirmed_by_a_call_and_stays(synced: Bench) -> None:
    hostile = without_invoices(synced, 1)[0]
    synced.zoho.fault(FaultName.HOSTILE_ROW, kind=CallKind.CONTACTS, times=1, row="missing_id", record_id=hostile)
    result = synced.sync(Mode.FULL)
    assert result["status"] == "succeeded"
    assert synced.customers()[hostile]["status"] != "deleted"
    assert synced.zoho.stats().count(CallKind.CONTACT) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listed", "asked"), [(CallKind.CONTACTS, CallKind.CONTACT), (CallKind.INVOICES, CallKind.INVOICE)]
)
def test_a_list_that_is_wrongly_empty_costs_few_calls_and_no_record(
    synced: Bench, listed: CallKind, asked: CallKind
) -> None:
    before = synced.customers(), synced.invoices()
    synced.zoho.fault(FaultName.LIST_EMPTY, kind=listed)
    result = synced.sync(Mode.FULL)
    assert result["status"] == "degraded"
    assert "that Zoho still has" in result["reason"]
    assert synced.zoho.stats().count(asked) <= 20
    assert [set(rows) for rows in before] == [set(synced.customers()), set(synced.invoices())]
    for rows in (synced.customers(), synced.invoices()):
        assert "deleted" not in {row["status"] for row in rows.values()}

    synced.zoho.clear_faults()
    assert synced.sync(Mode.FULL)["status"] == "succeeded"


@pytest.mark.slow
def test_two_organisations_of_one_user_never_change_each_others_rows(synced: Bench) -> None:
    user_id = synced.rows("SELECT user_id FROM booksync.zoho_connections")[0]["user_id"]
    other_id = next(key for key in synced.zoho.organization_ids() if key != synced.zoho.organization_id)
    with SandboxControl(synced.zoho.url, other_id) as other_zoho:
        other = Bench.connected(synced.resources, other_zoho, user_id=user_id)
        before = synced.customers()
        assert other.sync(Mode.FULL)["status"] == "succeeded"
        assert other.sync(Mode.FULL)["status"] == "succeeded"
        after = synced.customers()
        assert {key: after[key] for key in before} == before
        assert len(after) > len(before)
    assert synced.sync(Mode.FULL)["customers"]["total"] == len(before)


class TestPersons:
    def test_a_person_edited_without_a_new_contact_stamp_is_found(self, synced: Bench) -> None:
        contact = next(
            c
            for c in synced.zoho.snapshot()["contacts"]
            if c["contact_id"] in synced.customers() and c["contact_persons"]
        )
        person_id = contact["contact_persons"][0]["contact_person_id"]
        synced.zoho.edit_person(person_id, stamp_contact=False, first_name="Renamed")
        synced.sync(Mode.FULL)
        persons = synced.customers()[contact["contact_id"]]["contact_persons"]
        assert "Renamed" in {person["first_name"] for person in persons}

    @pytest.mark.slow
    def test_a_person_missing_from_one_bulk_read_is_confirmed_by_a_call_and_stays(self, synced: Bench) -> None:
        customer = next(row for row in synced.customers().values() if row["contact_persons"])
        person_id = customer["contact_persons"][0]["contact_person_id"]
        synced.zoho.fault(FaultName.PERSON_MISSING, record_id=person_id)
        synced.sync(Mode.FULL)
        assert synced.zoho.stats().count(CallKind.CONTACT) == 1
        again = synced.customers()[customer["zoho_customer_id"]]
        assert again["contact_persons"] == customer["contact_persons"]

    @pytest.mark.slow
    def test_a_bulk_list_that_omits_inactive_contacts_costs_their_details_once(self, bench: Bench) -> None:
        bench.zoho.fault(FaultName.INACTIVE_PERSONS_OMITTED)
        bench.sync()
        assert bench.zoho.stats().count(CallKind.CONTACT) > 0
        complete = bench.customers()
        for contact in bench.zoho.snapshot()["contacts"]:
            if contact["contact_id"] in complete:
                expected = {person["contact_person_id"] for person in contact["contact_persons"]}
                cached = complete[contact["contact_id"]]["contact_persons"]
                assert {person["contact_person_id"] for person in cached} == expected
        bench.zoho.reset_stats()
        second = bench.sync(Mode.FULL)
        assert bench.zoho.stats().count(CallKind.CONTACT) == 0, "the facts of the details are remembered"
        assert (second["customers"]["new"], second["customers"]["updated"]) == (0, 0)

    @pytest.mark.slow
    def test_a_removed_person_is_found_although_the_bulk_list_omits_others_of_the_contact(self, bench: Bench) -> None:
        contact = next(c for c in bench.zoho.snapshot()["contacts"] if len(c["contact_persons"]) > 2)
        omitted, gone = [p for p in contact["contact_persons"] if not p["is_primary_contact"]][:2]
        bench.zoho.fault(FaultName.PERSON_MISSING, record_id=omitted["contact_person_id"])
        bench.sync(Mode.FULL)
        bench.sync(Mode.FULL)
        bench.zoho.delete_person(gone["contact_person_id"], stamp_contact=False)
        bench.sync(Mode.FULL)
        cached = bench.customers()[contact["contact_id"]]["contact_persons"]
        expected = {p["contact_person_id"] for p in contact["contact_persons"]} - {gone["contact_person_id"]}
        assert {person["contact_person_id"] for person in cached} == expected

    def test_a_removed_person_is_removed_after_the_confirmation(self, synced: Bench) -> None:
        contact = next(
            c
            for c in synced.zoho.snapshot()["contacts"]
            if c["contact_id"] in synced.customers() and len(c["contact_persons"]) > 1
        )
        gone = next(person for person in contact["contact_persons"] if not person["is_primary_contact"])
        synced.zoho.delete_person(gone["contact_person_id"], stamp_contact=False)
        synced.sync(Mode.FULL)
        cached = synced.customers()[contact["contact_id"]]["contact_persons"]
        assert gone["contact_person_id"] not in {person["contact_person_id"] for person in cached}
