"""Changes through the control API move the same time stamps as in Zoho, and nothing else."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from sandbox.zoho import commands as ask
from sandbox.zoho.edit import UnknownRecordError
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.records import InvoiceStatus


class Scene:
    """One customer with two persons and one invoice of 100.00, all an hour old."""

    def __init__(self) -> None:
        self.zoho: InProcessZoho = in_process_zoho()
        persons = (ask.PersonFields(first_name="Ada", mobile="1"), ask.PersonFields(first_name="Ben", phone="2"))
        made = self.zoho.mutate(ask.CreateContact(fields=ask.ContactFields(contact_name="Amber"), persons=persons))[0]
        self.contact_id = int(str(made["contact_id"]))
        self.ada, self.ben = (
            person.contact_person_id for person in self.zoho.books.contacts.truth[self.contact_id].persons
        )
        invoice = self.zoho.mutate(ask.CreateInvoice(customer_id=self.contact_id))[0]
        self.invoice_id = int(str(invoice["invoice_id"]))
        self.zoho.clock.advance(1800)

    def contact(self) -> dict[str, Any]:
        return dict(self.zoho.get(f"/contacts/{self.contact_id}")["contact"])

    def row(self) -> dict[str, Any]:
        return dict(self.zoho.get("/contacts", filter_by="Status.All")["contacts"][0])

    def invoice(self) -> dict[str, Any]:
        return dict(self.zoho.get(f"/invoices/{self.invoice_id}")["invoice"])

    def person_names(self) -> list[str]:
        rows = self.zoho.get("/contacts/contactpersons", per_page=200)["contact_persons"]
        return [row["first_name"] for row in rows]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_edit_changes_only_the_fields_it_names_and_stamps_the_contact(scene: Scene) -> None:
    before = scene.contact()
    scene.zoho.mutate(ask.EditContact(contact_id=scene.contact_id, fields=ask.ContactFields(company_name="Amber Ltd")))
    after = scene.contact()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"company_name", "last_modified_time"}


def test_the_same_edit_as_json_changes_no_more(scene: Scene) -> None:
    edit = ask.EditContact(contact_id=scene.contact_id, fields=ask.ContactFields(country="India"))
    adapter: TypeAdapter[ask.Mutation] = TypeAdapter(ask.Mutation)
    sent = edit.model_dump_json(exclude_unset=True)
    scene.zoho.mutate(adapter.validate_json(sent))
    assert scene.contact()["contact_name"] == "Amber"
    assert scene.contact()["billing_address"]["country"] == "India"


def test_payment_moves_only_the_invoices_time(scene: Scene) -> None:
    contact, invoice = scene.row(), scene.invoice()
    scene.zoho.mutate(ask.PayInvoice(invoice_id=scene.invoice_id, amount=Decimal("40.50")))
    assert (scene.invoice()["status"], scene.invoice()["balance"]) == ("partially_paid", 59.5)
    assert scene.invoice()["last_modified_time"] > invoice["last_modified_time"]
    assert scene.invoice()["last_payment_date"] == "2025-10-09"
    assert scene.row()["last_modified_time"] == contact["last_modified_time"]
    assert (contact["outstanding_receivable_amount"], scene.row()["outstanding_receivable_amount"]) == (100, 59.5)
    scene.zoho.mutate(ask.PayInvoice(invoice_id=scene.invoice_id))
    assert (scene.invoice()["status"], scene.invoice()["balance"]) == ("paid", 0)


def test_void_invoice_keeps_its_total_as_balance_and_is_not_owed(scene: Scene) -> None:
    scene.zoho.mutate(
        ask.PayInvoice(invoice_id=scene.invoice_id, amount=Decimal(40)), ask.VoidInvoice(invoice_id=scene.invoice_id)
    )
    assert (scene.invoice()["status"], scene.invoice()["balance"]) == ("void", 100)
    assert scene.row()["outstanding_receivable_amount"] == 0


FACTS_OF_AN_INVOICE = [
    # The field, its new value, the keys that change besides the times, the new value of the first key.
    ("payment_reminder_enabled", False, ["payment_reminder_enabled"], False),
    ("ach_payment_initiated", True, ["ach_payment_initiated"], True),
    ("unprocessed_payment_amount", "99.99", ["unprocessed_payment_amount"], 99.99),
    ("sub_status", "cs_in_dispute", ["current_sub_status", "current_sub_status_id"], "cs_in_dispute"),
    ("payment_expected_date", "2025-11-01", ["payment_expected_date"], "2025-11-01"),
    ("credits_applied", "20", ["credits_applied", "payment_made"], 20),
    ("written_status", "partially paid", ["status", "status_formatted"], "partially paid"),
]


@pytest.mark.parametrize(("field", "value", "keys", "shown"), FACTS_OF_AN_INVOICE)
def test_an_edit_sets_one_fact_of_an_invoice_and_moves_its_time(
    scene: Scene, field: str, value: object, keys: list[str], shown: object
) -> None:
    before = scene.invoice()
    fields = ask.InvoiceFields.model_validate({field: value})
    scene.zoho.mutate(ask.EditInvoice(invoice_id=scene.invoice_id, fields=fields))
    after = scene.invoice()
    assert after[keys[0]] == shown
    assert {key for key in after if after[key] != before.get(key)} == {*keys, "last_modified_time", "updated_time"}


def test_stopped_reminders_can_be_started_again(scene: Scene) -> None:
    for enabled in (False, True):
        fields = ask.InvoiceFields(payment_reminder_enabled=enabled)
        scene.zoho.mutate(ask.EditInvoice(invoice_id=scene.invoice_id, fields=fields))
        assert scene.invoice()["payment_reminder_enabled"] is enabled


def test_unusually_written_status_matches_the_filter_of_the_real_status(scene: Scene) -> None:
    scene.zoho.mutate(ask.PayInvoice(invoice_id=scene.invoice_id, amount=Decimal(40)))
    fields = ask.InvoiceFields(written_status="partially paid")
    scene.zoho.mutate(ask.EditInvoice(invoice_id=scene.invoice_id, fields=fields))
    rows = scene.zoho.get("/invoices", status="partially_paid")["invoices"]
    assert [row["status"] for row in rows] == ["partially paid"]


def test_payment_ends_a_pending_payment(scene: Scene) -> None:
    under_way = ask.InvoiceFields(ach_payment_initiated=True, unprocessed_payment_amount=Decimal(100))
    scene.zoho.mutate(ask.EditInvoice(invoice_id=scene.invoice_id, fields=under_way))
    scene.zoho.mutate(ask.PayInvoice(invoice_id=scene.invoice_id))
    assert scene.invoice()["ach_payment_initiated"] is False
    assert scene.invoice()["unprocessed_payment_amount"] == 0


def test_unused_credits_change_without_moving_the_contacts_time(scene: Scene) -> None:
    before = scene.row()
    scene.zoho.mutate(ask.SetCredits(contact_id=scene.contact_id, amount=Decimal("150.25")))
    after = scene.row()
    changed = {key: after[key] for key in after if after[key] != before[key]}
    assert changed == {"unused_credits_receivable_amount": 150.25, "unused_credits_receivable_amount_bcy": 150.25}


def test_a_merge_gives_the_losers_credits_to_the_winner(scene: Scene) -> None:
    winner = int(str(scene.zoho.mutate(ask.CreateContact())[0]["contact_id"]))
    for contact_id, amount in ((winner, 5), (scene.contact_id, 20)):
        scene.zoho.mutate(ask.SetCredits(contact_id=contact_id, amount=Decimal(amount)))
    scene.zoho.mutate(ask.MergeContacts(winner_id=winner, loser_id=scene.contact_id))
    assert scene.row()["unused_credits_receivable_amount"] == 25


def test_an_address_can_be_set_and_moves_the_contacts_time(scene: Scene) -> None:
    before = scene.contact()["last_modified_time"]
    address = {"city": "Perth", "state": "Western Australia", "state_code": "WA", "zip": "6000", "country_code": "AU"}
    fields = ask.ContactFields.model_validate(address)
    scene.zoho.mutate(ask.EditContact(contact_id=scene.contact_id, fields=fields))
    detail = scene.contact()
    for where in ("billing_address", "shipping_address"):
        assert {key: detail[where][key] for key in address} == address
    assert detail["last_modified_time"] > before


def test_invoice_edit_changes_the_due_date_and_the_receivables(scene: Scene) -> None:
    fields = ask.InvoiceFields(due_date="2026-01-31", total=Decimal(250), balance=Decimal(250))
    scene.zoho.mutate(ask.EditInvoice(invoice_id=scene.invoice_id, fields=fields))
    assert (scene.invoice()["due_date"], scene.invoice()["total"]) == ("2026-01-31", 250)
    assert scene.row()["outstanding_receivable_amount"] == 250


@pytest.mark.parametrize("stamp", [True, False])
def test_a_persons_edit_moves_the_contacts_time_or_not(scene: Scene, stamp: bool) -> None:
    before = scene.contact()["last_modified_time"]
    fields = ask.PersonFields(mobile="3")
    scene.zoho.mutate(ask.EditPerson(contact_person_id=scene.ada, fields=fields, stamp_contact=stamp))
    assert (scene.row()["mobile"], scene.row()["first_name"]) == ("3", "Ada")
    assert (scene.contact()["last_modified_time"] > before) is stamp


def test_a_person_can_be_made_primary_added_and_deleted(scene: Scene) -> None:
    scene.zoho.mutate(ask.EditPerson(contact_person_id=scene.ben, primary=True))
    assert (scene.row()["first_name"], scene.row()["phone"]) == ("Ben", "2")
    scene.zoho.mutate(ask.CreatePerson(contact_id=scene.contact_id, fields=ask.PersonFields(first_name="Cyd")))
    scene.zoho.mutate(ask.DeletePerson(contact_person_id=scene.ben))
    assert scene.person_names() == ["Ada", "Cyd"]
    assert scene.row()["first_name"] == "Ada", "the first remaining person becomes the primary one"


def test_deleting_a_contact_deletes_its_persons_and_leaves_its_invoices(scene: Scene) -> None:
    scene.zoho.mutate(ask.DeleteContact(contact_id=scene.contact_id))
    assert scene.zoho.response(f"/contacts/{scene.contact_id}").status == 404
    assert scene.person_names() == []
    assert scene.invoice()["customer_id"] == str(scene.contact_id)


def test_deleting_a_contact_may_delete_its_invoices(scene: Scene) -> None:
    scene.zoho.mutate(ask.DeleteContact(contact_id=scene.contact_id, with_invoices=True))
    assert scene.zoho.get("/invoices")["invoices"] == []


@pytest.mark.parametrize("stamp", [True, False])
def test_a_merge_deletes_the_loser_and_moves_its_invoices(scene: Scene, stamp: bool) -> None:
    before = scene.invoice()["last_modified_time"]
    winner = scene.zoho.mutate(ask.CreateContact(fields=ask.ContactFields(contact_name="Winner")))[0]["contact_id"]
    merge = ask.MergeContacts(winner_id=int(str(winner)), loser_id=scene.contact_id, stamp_invoices=stamp)
    scene.zoho.mutate(merge)
    assert scene.zoho.response(f"/contacts/{scene.contact_id}").status == 404
    assert (scene.invoice()["customer_id"], scene.invoice()["customer_name"]) == (winner, "Winner")
    assert (scene.invoice()["last_modified_time"] > before) is stamp
    assert scene.row()["outstanding_receivable_amount"] == 100


def test_renamed_contact_is_renamed_on_its_invoices_without_moving_their_time(scene: Scene) -> None:
    before = scene.invoice()
    scene.zoho.mutate(ask.EditContact(contact_id=scene.contact_id, fields=ask.ContactFields(contact_name="Beryl")))
    assert scene.invoice()["customer_name"] == "Beryl"
    assert scene.invoice()["last_modified_time"] == before["last_modified_time"]


def test_inactive_contact_is_listed_under_status_all(scene: Scene) -> None:
    scene.zoho.mutate(ask.EditContact(contact_id=scene.contact_id, fields=ask.ContactFields(is_active=False)))
    assert scene.row()["status"] == "inactive"
    assert scene.zoho.get("/contacts")["contacts"] == []


def test_a_touch_moves_the_time_and_nothing_else(scene: Scene) -> None:
    before, invoice = scene.contact(), scene.invoice()
    scene.zoho.mutate(ask.Touch(contact_ids=(scene.contact_id,), invoice_ids=(scene.invoice_id,)))
    assert {key for key, value in scene.contact().items() if value != before[key]} == {"last_modified_time"}
    assert {key for key, value in scene.invoice().items() if value != invoice[key]} == {
        "last_modified_time",
        "updated_time",
    }


def test_change_can_be_stamped_with_a_given_instant(scene: Scene) -> None:
    at = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    scene.zoho.mutate(ask.Touch(contact_ids=(scene.contact_id,), at=at))
    assert scene.contact()["last_modified_time"] == "2025-01-01T22:04:05-0500"


def test_batch_runs_in_order_and_returns_a_result_for_each_change(scene: Scene) -> None:
    results = scene.zoho.mutate(
        ask.CreateContact(fields=ask.ContactFields(contact_name="New")), ask.DeleteInvoice(invoice_id=scene.invoice_id)
    )
    assert [set(result) for result in results] == [{"contact_id", "contact_person_ids"}, set()]
    assert scene.zoho.get("/invoices")["invoices"] == []


@pytest.mark.parametrize(
    "mutation",
    [
        ask.EditContact(contact_id=1, fields=ask.ContactFields()),
        ask.SetCredits(contact_id=1, amount=Decimal(5)),
        ask.DeleteContact(contact_id=1),
        ask.EditPerson(contact_person_id=1),
        ask.PayInvoice(invoice_id=1),
        ask.CreateInvoice(customer_id=1),
    ],
)
def test_unknown_record_cannot_be_changed(scene: Scene, mutation: ask.Mutation) -> None:
    with pytest.raises(UnknownRecordError):
        scene.zoho.mutate(mutation)


def test_invoice_created_as_paid_has_no_balance(scene: Scene) -> None:
    fields = ask.InvoiceFields(status=InvoiceStatus.PAID)
    invoice_id = scene.zoho.mutate(ask.CreateInvoice(customer_id=scene.contact_id, fields=fields))[0]["invoice_id"]
    assert scene.zoho.get(f"/invoices/{invoice_id}")["invoice"]["balance"] == 0
