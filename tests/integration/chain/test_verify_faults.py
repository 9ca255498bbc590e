"""`booksync verify` reads every list that a run can read, and reports no drift that a run would not write."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE
from domain.runs import MAX_ATTEMPTS, Mode
from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.stats import CallKind
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.snapshots import FEW, SYNCED_FEW, Snapshots, State
from workers.cli.verify import verify
from workers.services.verify import Verification, Verified
from workers.zoho.entities import ZohoRecords
from workers.zoho.errors import ZohoUnavailable

PERSONS = "/contacts/contactpersons"


@pytest.fixture
def synced_state() -> State:
    """Few records, because many of these faults cost one detail call per record."""
    return SYNCED_FEW


def import_many(bench: Bench) -> None:
    """Fills a second with more rows than a page has; only then other page lengths are requested."""
    bench.zoho.bulk_import(220, invoices_per_contact=1)
    assert bench.sync()["status"] == "succeeded"


AFTER_AN_IMPORT = State(import_many, FEW)


@pytest.fixture
def imported(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with snapshots.copied(AFTER_AN_IMPORT, monkeypatch) as bench:
        yield bench


#: Each row: a fault of the lists that a full run survives, and its parameters.
_SURVIVED: dict[str, tuple[FaultName, dict[str, Any]]] = {
    "odd page lengths are refused": (FaultName.PAGE_LENGTH_REFUSED, {}),
    "the filter is ignored": (FaultName.MODIFIED_FILTER_IGNORED, {}),
    "the sort is ignored": (FaultName.SORT_IGNORED, {}),
    "rows come twice": (FaultName.DUPLICATE_ROWS, {"every": 7}),
    # The bulk list of persons: a run makes detail calls instead.
    "persons refused": (FaultName.BULK_PERSONS_REFUSED, {"status": 404}),
    "persons not authorized": (FaultName.BULK_PERSONS_REFUSED, {"status": 401}),
    "persons always fail": (FaultName.ANSWER, {"path": PERSONS, "status": 500, "code": 1000}),
    "persons always unreadable": (FaultName.GARBAGE, {"path": PERSONS, "body": "truncated"}),
    "persons empty": (FaultName.LIST_EMPTY, {"path": PERSONS}),
    "persons of inactive contacts omitted": (FaultName.INACTIVE_PERSONS_OMITTED, {}),
    "persons mutated": (FaultName.HOSTILE_ROW, {"path": PERSONS, "share": 0.3, "row": HostileRow.MUTATED}),
    # Temporary errors: they hit the first calls of every list.
    "server errors": (FaultName.ANSWER, {"times": 2, "status": 500, "code": 1000}),
    "a gateway's page": (FaultName.GARBAGE, {"times": 2, "body": "html", "status": 502}),
    "half a body": (FaultName.GARBAGE, {"times": 2, "body": "truncated"}),
    "dropped connections": (FaultName.RESET, {"times": 2, "where": "middle"}),
    # Rows that cannot be understood: a run leaves the cached records unchanged.
    "rows are not objects": (FaultName.HOSTILE_ROW, {"share": 0.05, "row": HostileRow.NOT_AN_OBJECT}),
    "rows without an id": (FaultName.HOSTILE_ROW, {"share": 0.05, "row": HostileRow.NULL_ID}),
    "rows with a broken time": (FaultName.HOSTILE_ROW, {"share": 0.05, "row": HostileRow.BROKEN_TIME}),
    "rows with wrong types": (FaultName.HOSTILE_ROW, {"share": 0.05, "row": HostileRow.WRONG_TYPES}),
    "rows mutated": (FaultName.HOSTILE_ROW, {"share": 0.3, "row": HostileRow.MUTATED}),
    "rows of the year 9999": (FaultName.STAMPS_LIE, {"share": 0.05, "stamp": "9999-12-01T00:00:00+0000"}),
    "rows from two days ahead": (FaultName.STAMPS_LIE, {"share": 0.05, "seconds": 172_800}),
    "rows missing": (FaultName.ROW_MISSING, {"share": 0.02}),
    # Clocks.
    "a Date header of the year 9999": (FaultName.DATE_HEADER_LIES, {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}),
    "no Date header": (FaultName.DATE_HEADER_LIES, {"date": ""}),
    "a clock an hour behind": (FaultName.CLOCK_SHIFTED, {"seconds": -3600}),
}

#: The lists that a fault with `times` strikes, each that often.
_LISTS = (CallKind.BULK_PERSONS, CallKind.CONTACTS, CallKind.INVOICES)


#: One of each kind.
_TRIED = (
    *("odd page lengths are refused", "the filter is ignored", "rows come twice", "persons refused", "persons mutated"),
    *("half a body", "rows mutated", "rows missing", "a clock an hour behind"),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", drilled_except(_TRIED, _SURVIVED))
def test_verify_finds_no_drift_after_a_full_run_under_the_same_fault(imported: Bench, case: str) -> None:
    read_long_ago(imported)
    switch_on(imported, case)
    imported.sync(Mode.FULL)
    imported.zoho.clear_faults()
    switch_on(imported, case)
    found = verified(imported)
    assert (found.compared[CUSTOMER].drift.count, found.compared[INVOICE].drift.count) == (0, 0)
    # A list may also name a customer that Zoho does not have, because its row has another id.
    not_compared = imported.customers().keys() & set(found.compared[CUSTOMER].not_compared)
    assert found.compared[CUSTOMER].drift.cached + len(not_compared) == len(imported.customers())


def test_rows_that_cannot_be_understood_are_named_and_not_reported_as_surplus(synced: Bench) -> None:
    invoice_id = min(synced.invoices())
    synced.zoho.fault(FaultName.HOSTILE_ROW, record_id=int(invoice_id), row=HostileRow.BROKEN_TIME)
    found = verified(synced)
    assert found.compared[INVOICE].drift.count == 0
    assert found.compared[INVOICE].not_compared == (invoice_id,)


def test_a_record_missing_from_the_list_is_surplus_only_if_zoho_has_deleted_it(synced: Bench) -> None:
    unlisted, deleted = sorted(synced.invoices())[:2]
    synced.zoho.fault(FaultName.ROW_MISSING, record_id=int(unlisted))
    synced.zoho.delete_invoice(deleted)
    found = verified(synced)
    assert found.compared[INVOICE].drift.surplus == (deleted,)
    assert found.compared[INVOICE].not_compared == (unlisted,)


def test_drift_is_found_although_the_list_has_rows_that_cannot_be_understood(synced: Bench) -> None:
    broken, drifted = sorted(synced.invoices())[:2]
    synced.zoho.fault(FaultName.HOSTILE_ROW, record_id=int(broken), row=HostileRow.WRONG_TYPES)
    synced.rows(
        "UPDATE invoices_cache SET balance = balance + 1 WHERE zoho_invoice_id = %(id)s RETURNING id", id=drifted
    )
    assert verified(synced).compared[INVOICE].drift.different == (drifted,)


def a_customer_whose_persons_the_bulk_list_omits(synced: Bench) -> str:
    """Caches a company that differs from the customer's list row. A run reads the details of such a customer."""
    contact_id = min(synced.customers())
    synced.rows(
        """
        UPDATE booksync.customers_cache SET bulk_omits_persons = true, company_name = 'By its details'
         WHERE zoho_customer_id = %(id)s RETURNING id
        """,
        id=contact_id,
    )
    return contact_id


def test_a_row_that_contradicts_the_details_is_named_and_not_reported_as_different(
    synced: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_id = a_customer_whose_persons_the_bulk_list_omits(synced)
    read = ZohoRecords.record

    def with_its_company(records: ZohoRecords[Contact], *where: Any) -> Contact | None:
        contact = read(records, *where)
        assert contact is not None
        return replace(contact, company_name="By its details")

    monkeypatch.setattr(ZohoRecords, "record", with_its_company)
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.count, found.compared[CUSTOMER].not_compared) == (0, (contact_id,))


def test_a_row_that_equals_the_details_is_different_from_the_cache(synced: Bench) -> None:
    contact_id = a_customer_whose_persons_the_bulk_list_omits(synced)
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.different, found.compared[CUSTOMER].not_compared) == ((contact_id,), ())


def test_a_different_row_is_reported_when_the_details_cannot_be_read(synced: Bench) -> None:
    contact_id = a_customer_whose_persons_the_bulk_list_omits(synced)
    synced.zoho.fault(FaultName.ANSWER, path=f"/contacts/{contact_id}", status=400, code=2)
    assert verified(synced).compared[CUSTOMER].drift.different == (contact_id,)


def test_a_listed_customer_without_a_record_of_its_id_is_not_reported_as_missing(synced: Bench) -> None:
    contact_id = a_customer_whose_persons_the_bulk_list_omits(synced)
    synced.rows(
        "UPDATE booksync.customers_cache SET status = 'deleted' WHERE zoho_customer_id = %(id)s RETURNING id",
        id=contact_id,
    )
    synced.zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
    synced.zoho.fault(FaultName.ANSWER, path=f"/contacts/{contact_id}", status=404, code=1002)
    found = verified(synced)
    assert (found.compared[CUSTOMER].drift.count, found.compared[CUSTOMER].not_compared) == (0, (contact_id,))


def test_a_failing_list_ends_the_comparison_after_as_many_attempts_as_in_a_run(synced: Bench) -> None:
    synced.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACTS, status=500, code=1000)
    synced.zoho.reset_stats()
    with pytest.raises(ZohoUnavailable):
        verified(synced)
    assert synced.zoho.stats().count(CallKind.CONTACTS) == MAX_ATTEMPTS


def test_the_command_names_the_records_not_compared_and_succeeds(
    synced: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    invoice_id = min(synced.invoices())
    synced.zoho.fault(FaultName.HOSTILE_ROW, record_id=int(invoice_id), row=HostileRow.NOT_AN_OBJECT)
    verify(str(synced.connection_id))
    said = capsys.readouterr()
    assert f"invoices not compared: {invoice_id}\n" in said.out
    assert "The cache equals Zoho." in said.out
    assert "The records that were not compared exist in Zoho, but its list lacks their rows" in said.err


def verified(bench: Bench) -> Verified:
    return Verification(bench.resources, bench.connection_id, sleep=lambda _: None).run()


def read_long_ago(bench: Bench) -> None:
    """Lets the cached rows give way to rows with earlier stamps, as in the next night (`domain.versions`).

    Until then a run keeps them, and the comparison names the customer of such a row if a person has changed too.
    """
    for table in ("booksync.customers_cache", "invoices_cache"):
        bench.rows(f"UPDATE {table} SET observed_at = observed_at - interval '1 hour' RETURNING id")


def switch_on(bench: Bench, case: str) -> None:
    name, params = _SURVIVED[case]
    for kind in _LISTS if "times" in params else (None,):
        bench.zoho.fault(name, kind=kind, **params)
