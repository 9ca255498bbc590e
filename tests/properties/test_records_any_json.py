"""No row, of any shape, affects other rows or breaks a later step."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import Contact
from domain.invoices import Invoice
from domain.lists import Rejected
from tests.unit.workers.zoho.fakes import a_contact_detail, a_person_row, an_invoice_row
from workers.zoho.records import (
    OrganizationFacts,
    PersonOfContact,
    contact_from_detail,
    contact_from_row,
    invoice_from_row,
    organization_from_row,
    person_from_bulk_row,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(st.characters(), max_size=30)  # including lone surrogates
    | st.sampled_from(["", "460000000026049", "active", "2013-10-07T18:24:51+0530", "9999-12-31T23:59:59-2359"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3),
    max_leaves=6,
)
KEYS = sorted(
    a_contact_detail().keys() | an_invoice_row().keys() | a_person_row().keys() | {"organization_id", "country"}
)
ROWS = JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=12)


@given(ROWS)
def test_any_row_is_read_or_rejected(row: object) -> None:
    for read, kind in (
        (contact_from_row, Contact),
        (contact_from_detail, Contact),
        (person_from_bulk_row, PersonOfContact),
        (invoice_from_row, Invoice),
        (organization_from_row, OrganizationFacts),
    ):
        assert isinstance(read(row), (kind, Rejected))


@given(st.dictionaries(st.sampled_from(sorted(a_contact_detail())), JSON, max_size=12))
def test_every_text_of_a_contact_can_be_stored(changes: dict[str, Any]) -> None:
    told = contact_from_detail({**a_contact_detail(), **changes})

    if isinstance(told, Contact):
        persons = [person for person in (told.primary, *(told.persons or ())) if person is not None]
        texts = [told.name, told.company_name, *(person.first_name + person.phone for person in persons)]
        assert b"\x00" not in "".join(texts).encode()


@given(st.dictionaries(st.sampled_from(sorted(an_invoice_row())), JSON))
def test_every_readable_invoice_has_a_hash(changes: dict[str, Any]) -> None:
    told = invoice_from_row(an_invoice_row(**changes))

    assert isinstance(told, Rejected) or len(told.sync_hash()) == 64
