"""Many changes at once: a crowd, an import, and random events after which lists and snapshot still agree."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.zoho import commands as ask
from sandbox.zoho.in_process import in_process_zoho
from sandbox.zoho.snapshot import snapshot


def test_a_crowd_shares_one_second() -> None:
    zoho = in_process_zoho(contacts=300, invoices=300)
    for what in ("contacts", "invoices"):
        crowd = ask.Crowd.model_validate({"what": what, "count": 250})
        ids = zoho.mutate(crowd)[0]["ids"]
        assert isinstance(ids, list)
        rows = zoho.get(f"/{what}", sort_column="last_modified_time", sort_order="D", filter_by="Status.All")[what]
        assert len(ids) == 250
        assert {row["last_modified_time"] for row in rows} == {rows[0]["last_modified_time"]}


def test_an_import_makes_thousands_within_a_few_seconds() -> None:
    zoho = in_process_zoho()
    made = zoho.mutate(ask.BulkImport(contacts=2000, invoices_per_contact=1))[0]
    assert [len(ids) for ids in made.values() if isinstance(ids, list)] == [2000, 2000]
    stamps = {contact.modified_at for contact in zoho.books.contacts.truth.values()}
    assert len(stamps) == 3
    assert max(stamps) == int(zoho.clock.wall())


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_lists_and_snapshot_agree_after_any_changes(seed: int, events: int) -> None:
    zoho = in_process_zoho(contacts=12, invoices=20)
    zoho.simulator.rng.seed(seed)
    for _ in range(events):
        zoho.clock.advance(1)
        zoho.mutate(ask.Drift())
    zoho.sign_in()
    truth: dict[str, Any] = snapshot(zoho.books, zoho.books.today(zoho.clock.wall()))
    listed = zoho.get("/contacts", filter_by="Status.All")["contacts"]
    assert {row["contact_id"]: row["last_modified_time"] for row in listed} == {
        contact["contact_id"]: contact["last_modified_time"] for contact in truth["contacts"]
    }
    persons = zoho.get("/contacts/contactpersons", per_page=200)["contact_persons"]
    held = [person["contact_person_id"] for contact in truth["contacts"] for person in contact["contact_persons"]]
    assert sorted(row["contact_person_id"] for row in persons) == sorted(held)
    assert sorted(zoho.get("/invoices")["invoices"], key=lambda row: row["invoice_id"]) == truth["invoices"]
    for contact in zoho.books.contacts.truth.values():
        assert contact.outstanding_cents == sum(each.owed_cents for each in zoho.books.invoices_of(contact.contact_id))
