"""Promises of domain/customers.py: the hash of a customer, and the stored form of the persons."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import ContactDetails, ContactPerson, ContactStatus
from domain.customers import customer_from, persons_as_json, persons_from_json, sync_hash
from tests.builders import A_BRITISH_MOBILE, LONDON, a_contact, a_person
from tests.tables import table

PRIMARY = a_person("7001", mobile="07912 345678", email="ada@example.com", is_primary=True)
OTHER = a_person("7002", phone="020 7031 3000", email="bob@example.com")


def texts() -> st.SearchStrategy[str]:
    return st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)


PERSONS = st.lists(
    st.builds(ContactPerson, texts(), texts(), texts(), texts(), texts(), texts(), st.booleans()), max_size=4
)


class TestSyncHash:
    def hash_of(self, **changed: Any) -> str:
        facts: dict[str, Any] = {"name": "A", "company": "B", "phone": "1", "email": "e", "persons": (PRIMARY, OTHER)}
        return sync_hash(**(facts | changed))

    @table(
        "changed",
        [
            {"name": "A2"},
            {"company": "B2"},
            {"phone": "2"},
            {"phone": None},
            {"email": "e2"},
            {"email": None},
            {"persons": (PRIMARY,)},
            {"persons": (PRIMARY, replace(OTHER, first_name="Bob"))},
            {"persons": (PRIMARY, replace(OTHER, last_name="Bob"))},
            {"persons": (PRIMARY, replace(OTHER, email="b@example.com"))},
            {"persons": (PRIMARY, replace(OTHER, phone="2"))},
            {"persons": (PRIMARY, replace(OTHER, mobile="2"))},
            {"persons": (PRIMARY, replace(OTHER, person_id="7003"))},
            {"persons": (replace(PRIMARY, is_primary=False), OTHER)},
        ],
    )
    def test_changes_with_each_of_its_fields(self, changed: dict[str, Any]) -> None:
        assert self.hash_of(**changed) != self.hash_of()

    @given(persons=PERSONS, data=st.data())
    def test_does_not_depend_on_the_order_of_persons(self, persons: list[ContactPerson], data: st.DataObject) -> None:
        shuffled = data.draw(st.permutations(persons))
        assert self.hash_of(persons=persons) == self.hash_of(persons=shuffled)

    def test_does_not_change_with_separately_compared_facts(self) -> None:
        told = ContactDetails(country_code="GB", reminders_enabled=False)
        changed = a_contact(status=ContactStatus.INACTIVE, modified_at=None, details=told)
        assert customer_from(changed, home=LONDON).sync_hash == customer_from(a_contact(), home=LONDON).sync_hash

    def test_is_the_hash_of_the_stored_values(self) -> None:
        customer = customer_from(a_contact(name=" A ", persons=(PRIMARY, OTHER)), home=LONDON)
        assert customer.sync_hash == sync_hash(
            name="A",
            company=customer.company_name,
            phone=A_BRITISH_MOBILE,
            email="ada@example.com",
            persons=persons_from_json(persons_as_json(customer.persons)),
        )


class TestPersonsAsJson:
    def test_has_zohos_own_key_names(self) -> None:
        (row,) = persons_as_json([PRIMARY])
        assert row == {
            "contact_person_id": "7001",
            "first_name": "Ada",
            "last_name": "Byron",
            "email": "ada@example.com",
            "phone": "",
            "mobile": "07912 345678",
            "is_primary_contact": True,
        }

    @given(persons=PERSONS)
    def test_is_read_back_unchanged(self, persons: list[ContactPerson]) -> None:
        stored = orjson.loads(orjson.dumps(persons_as_json(persons)))
        assert list(persons_from_json(stored)) == persons

    @pytest.mark.parametrize("foreign", [None, {}, 7, [1, "two"], [{"name": "Ada"}]], ids=str)
    def test_other_json_is_read_as_no_persons(self, foreign: object) -> None:
        assert persons_from_json(foreign) == ()
