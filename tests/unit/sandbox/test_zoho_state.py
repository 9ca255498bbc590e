"""A restarted simulator continues with the saved data, ids and tokens."""

from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from sandbox.zoho import state
from sandbox.zoho.commands import (
    ContactFields,
    CreateContact,
    CreateInvoice,
    Drift,
    EditContact,
    EditInvoice,
    InvoiceFields,
    SetCredits,
)
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.oauth import Tokens
from sandbox.zoho.simulator import Simulator
from sandbox.zoho.snapshot import snapshot

DAY = "2025-10-09"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "zoho.json"


@pytest.fixture
def zoho() -> InProcessZoho:
    return in_process_zoho(contacts=30, invoices=60)


def restarted(zoho: InProcessZoho, file: Path) -> InProcessZoho:
    state.save(zoho.simulator, file)
    tokens = Tokens()
    organizations = state.load(file, tokens)
    again = Simulator(organizations, tokens, zoho.simulator.limits, zoho.clock, rng=zoho.simulator.rng)
    return InProcessZoho(again, zoho.clock, zoho.organization_id, zoho.access_token)


def test_books_are_restored_completely(zoho: InProcessZoho, file: Path) -> None:
    zoho.mutate(Drift(), Drift(), Drift())
    again = restarted(zoho, file)
    assert snapshot(again.books, DAY) == snapshot(zoho.books, DAY)
    assert again.get("/invoices") == zoho.get("/invoices")
    assert again.get("/contacts/contactpersons", per_page=200) == zoho.get("/contacts/contactpersons", per_page=200)


def test_facts_of_invoice_contact_and_organisation_are_restored(zoho: InProcessZoho, file: Path) -> None:
    invoice_id, contact_id = next(iter(zoho.books.invoices.truth)), next(iter(zoho.books.contacts.truth))
    fields = InvoiceFields(
        payment_reminder_enabled=False,
        ach_payment_initiated=True,
        unprocessed_payment_amount=Decimal(7),
        sub_status="cs_promised",
        written_status="partially paid",
    )
    zoho.mutate(
        EditInvoice(invoice_id=invoice_id, fields=fields),
        EditContact(contact_id=contact_id, fields=ContactFields(state="Texas", zip="78701")),
        SetCredits(contact_id=contact_id, amount=Decimal(9)),
    )
    zoho.edit_organization(name="New Name", time_zone="Asia/Kolkata", repeats_status=True)
    again = restarted(zoho, file)
    assert again.books.organization == zoho.books.organization
    assert again.books.invoices.truth == zoho.books.invoices.truth
    assert again.books.contacts.truth == zoho.books.contacts.truth


def test_tokens_work_after_a_restart(zoho: InProcessZoho, file: Path) -> None:
    again = restarted(zoho, file)
    assert again.response("/contacts").status == 200
    assert "access_token" in orjson.loads(again.token().body)


def test_new_ids_and_numbers_continue_the_sequence(zoho: InProcessZoho, file: Path) -> None:
    again = restarted(zoho, file)
    made = again.mutate(CreateContact(fields=ContactFields(contact_name="New")))[0]
    contact_id = int(str(made["contact_id"]))
    assert contact_id > max(max(zoho.books.contacts.truth), max(zoho.books.invoices.truth))
    invoice_id = again.mutate(CreateInvoice(customer_id=contact_id))[0]["invoice_id"]
    numbers = {invoice.invoice_number for invoice in zoho.books.invoices.truth.values()}
    assert again.get(f"/invoices/{invoice_id}")["invoice"]["invoice_number"] not in numbers


def test_state_needs_saving_only_after_a_change(zoho: InProcessZoho, file: Path) -> None:
    again = restarted(zoho, file)
    needed = [again.simulator.is_changed]
    again.mutate(Drift())
    needed.append(again.simulator.is_changed)
    state.save(again.simulator, file)
    needed.append(again.simulator.is_changed)
    again.token()
    needed.append(again.simulator.is_changed)
    assert needed == [False, True, False, True]


def test_no_temporary_file_is_left(zoho: InProcessZoho, file: Path) -> None:
    state.save(zoho.simulator, file)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_of_another_version_is_refused(zoho: InProcessZoho, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b'{"version": 0}')
    with pytest.raises(state.UnreadableStateError, match="version 0"):
        state.load(file, Tokens())
