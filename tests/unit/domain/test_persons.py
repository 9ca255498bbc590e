"""Promises of domain/persons.py: the source of a contact's persons, with few calls and without losing a person."""

import datetime as dt
from dataclasses import replace

import pytest

from domain.contacts import Contact, ContactPerson
from domain.persons import (
    MAX_CONFIRMING_CALLS,
    BulkRead,
    KnownContact,
    Source,
    changed_contacts,
    is_ambiguous,
    joined,
    would_settle,
)
from tests.builders import MODIFIED_AT, a_contact, a_person
from tests.tables import table

LATER = MODIFIED_AT + dt.timedelta(hours=1)
EARLIER = MODIFIED_AT - dt.timedelta(hours=1)

ADA = a_person("7001", mobile="+447911123456", is_primary=True)
BOB = a_person("7002", first_name="Bob")


def a_listed(contact_id: str = "5001") -> Contact:
    return a_contact(contact_id, primary=ADA)


def a_bulk_read(*persons: ContactPerson, contact_id: str = "5001", began_at: dt.datetime = LATER) -> BulkRead:
    return BulkRead(began_at, {contact_id: persons} if persons else {})


def known(*person_ids: str, omitted: bool = False, same: bool = True) -> KnownContact:
    return KnownContact(frozenset(person_ids), bulk_omits_persons=omitted, row_is_same=same)


def source(
    listed: Contact, cached: KnownContact | None, bulk_read: BulkRead | None, *, confirming_calls: int = 0
) -> tuple[Source, int]:
    """The source for a single contact, and the number of its confirming_calls."""
    cache = {} if cached is None else {listed.contact_id: cached}
    found = changed_contacts([listed], cache, bulk_read, confirming_calls=confirming_calls)
    cost = found.confirming_calls - confirming_calls
    if not found.changed:
        return Source.CACHE, cost
    return (Source.DETAILS if listed.contact_id in found.needing_details else Source.BULK_READ), cost


class TestWithoutASweep:
    def test_no_call_for_a_cached_and_unchanged_contact(self) -> None:
        assert source(a_listed(), known("7001"), None) == (Source.CACHE, 0)

    @pytest.mark.parametrize("cached", [None, known("7001", same=False)])
    def test_a_new_or_changed_contact_costs_a_detail_call(self, cached: KnownContact | None) -> None:
        assert source(a_listed(), cached, None) == (Source.DETAILS, 0)


class TestWithASweep:
    @pytest.mark.parametrize("cached", [None, known("7001"), known("7001", same=False)])
    def test_no_detail_call_for_a_contact_whose_persons_are_all_in_the_bulk_list(
        self, cached: KnownContact | None
    ) -> None:
        assert source(a_listed(), cached, a_bulk_read(ADA, BOB)) == (Source.BULK_READ, 0)

    @pytest.mark.parametrize("cached", [None, known("7001"), known("7001", same=False)])
    def test_a_contact_with_a_rejected_person_needs_a_detail_call(self, cached: KnownContact | None) -> None:
        bulk_read = replace(a_bulk_read(ADA), rejected=frozenset({"5001"}))
        found, _ = source(a_listed(), cached, bulk_read)
        assert found is Source.DETAILS

    def test_a_rejected_person_does_not_affect_other_contacts(self) -> None:
        bulk_read = replace(a_bulk_read(ADA), rejected=frozenset({"5002"}))
        assert source(a_listed(), known("7001"), bulk_read) == (Source.BULK_READ, 0)

    def test_a_contact_changed_after_the_bulk_read_began_needs_a_detail_call(self) -> None:
        assert source(a_listed(), known("7001"), a_bulk_read(ADA, began_at=EARLIER)) == (Source.DETAILS, 0)

    def test_a_different_primary_person_in_the_bulk_list_needs_a_detail_call(self) -> None:
        in_bulk = a_person("7001", mobile="+447911999999", is_primary=True)
        assert source(a_listed(), known("7001"), a_bulk_read(in_bulk)) == (Source.DETAILS, 1)

    @table("cached", [None, known("7002"), known("7002", same=False)])
    @table(
        "persons",
        [
            (BOB,),  # the primary person was missed
            (replace(ADA, is_primary=False), BOB),  # none is flagged
            (ADA, replace(BOB, is_primary=True)),  # two are
        ],
    )
    def test_a_contact_without_exactly_one_primary_person_needs_a_detail_call(
        self, cached: KnownContact | None, persons: tuple[ContactPerson, ...]
    ) -> None:
        assert source(a_listed(), cached, a_bulk_read(*persons)) == (Source.DETAILS, 1)

    def test_a_row_without_a_primary_person_contradicts_no_person(self) -> None:
        assert source(replace(a_listed(), primary=None), None, a_bulk_read(ADA)) == (Source.BULK_READ, 0)

    def test_no_second_detail_call_for_a_decided_contradiction(self) -> None:
        in_bulk = a_person("7001", mobile="+447911999999", is_primary=True)
        assert source(a_listed(), known("7001", omitted=True), a_bulk_read(in_bulk)) == (Source.CACHE, 0)

    def test_a_row_changed_since_the_decision_needs_a_detail_call(self) -> None:
        in_bulk = a_person("7001", mobile="+447911999999", is_primary=True)
        assert source(a_listed(), known("7001", omitted=True, same=False), a_bulk_read(in_bulk)) == (Source.DETAILS, 1)

    def test_a_new_contact_without_its_primary_person_in_the_bulk_list_needs_a_detail_call(self) -> None:
        assert source(a_listed(), None, a_bulk_read()) == (Source.DETAILS, 1)

    def test_a_person_missing_from_the_bulk_list_is_deleted_only_after_a_detail_call(self) -> None:
        assert source(a_listed(), known("7001", "7002"), a_bulk_read(ADA)) == (Source.DETAILS, 1)

    def test_no_detail_call_for_contacts_missing_from_the_bulk_list(self) -> None:
        assert source(a_listed(), known("7001", omitted=True), a_bulk_read()) == (Source.CACHE, 0)

    def test_a_contact_partly_in_the_bulk_list_needs_a_detail_call(self) -> None:
        assert source(a_listed(), known("7001", "7002", omitted=True), a_bulk_read(ADA)) == (Source.DETAILS, 1)

    def test_the_cap_does_not_apply_to_a_changed_row(self) -> None:
        cached = known("7001", "7002", same=False)
        assert source(a_listed(), cached, a_bulk_read(ADA), confirming_calls=MAX_CONFIRMING_CALLS) == (
            Source.DETAILS,
            1,
        )

    @pytest.mark.parametrize(
        ("cached", "in_bulk", "expected"),
        [
            (known("7001", "7002"), a_bulk_read(ADA), Source.CACHE),  # No person is lost: the next run makes the call.
            (None, a_bulk_read(), Source.BULK_READ),
            # The bulk list has another primary person than the row. The cache agrees with the row, or the row counts.
            (known("7001"), a_bulk_read(a_person("7001", is_primary=True)), Source.CACHE),
            (known("7001", same=False), a_bulk_read(a_person("7001", is_primary=True)), Source.BULK_READ),
            (None, a_bulk_read(a_person("7001", is_primary=True)), Source.BULK_READ),
        ],
    )
    def test_confirmations_are_capped(self, cached: KnownContact | None, in_bulk: BulkRead, expected: Source) -> None:
        assert source(a_listed(), cached, in_bulk, confirming_calls=MAX_CONFIRMING_CALLS) == (expected, 0)

    def test_the_cap_holds_within_a_page(self) -> None:
        page = [a_listed(str(5000 + number)) for number in range(MAX_CONFIRMING_CALLS + 20)]
        found = changed_contacts(page, {}, a_bulk_read(), confirming_calls=0)
        assert len(found.needing_details) == found.confirming_calls == MAX_CONFIRMING_CALLS
        assert found.changed == page


def test_a_bulk_read_omits_persons_that_only_a_detail_response_has() -> None:
    told = a_contact(primary=ADA, persons=(ADA, BOB))
    assert a_bulk_read(ADA).omits(told)
    assert not a_bulk_read(ADA, BOB).omits(told)
    assert not a_bulk_read(ADA).omits(a_listed()), "a list row has no other persons"


def test_a_bulk_read_omits_a_primary_person_that_differs_in_the_detail_response() -> None:
    told = a_contact(primary=ADA, persons=(ADA, BOB))
    assert a_bulk_read(replace(ADA, mobile="+447911999999"), BOB).omits(told)


#: The values of the primary person in a list row.
NAMED = replace(ADA, person_id="")


@table(
    ("primary", "persons", "expected"),
    [
        (NAMED, (ADA, BOB), (ADA, BOB)),
        # The bulk list has no person: the row's own stand-in is used later.
        (NAMED, (), None),
        # Only Bob: his number is not the contact's first one.
        (NAMED, (BOB,), (NAMED, BOB)),
        # The flag is missing, or another person had it before.
        (NAMED, (replace(ADA, is_primary=False), BOB), (ADA, BOB)),
        (NAMED, (replace(ADA, is_primary=False), replace(BOB, is_primary=True)), (ADA,)),
        (NAMED, (ADA, replace(BOB, is_primary=True)), (ADA,)),
        # Ada's number in the bulk list is outdated.
        (NAMED, (replace(ADA, mobile="+447911999999"), BOB), (NAMED, BOB)),
        # The row has no primary values.
        (None, (ADA, BOB), (ADA, BOB)),
        (None, (ADA, replace(BOB, is_primary=True)), (replace(ADA, is_primary=False), BOB)),
    ],
)
def test_the_rows_primary_values_count_if_the_two_disagree(
    primary: ContactPerson | None, persons: tuple[ContactPerson, ...], expected: tuple[ContactPerson, ...] | None
) -> None:
    listed = replace(a_listed(), primary=primary)
    assert joined(listed, persons) == replace(listed, persons=expected)


class TestAContactWithoutPersons:
    """Neither the list row nor the bulk list has a person of the contact."""

    LISTED = replace(a_listed(), primary=None)

    def test_is_known_to_have_none(self) -> None:
        assert a_bulk_read().joined(self.LISTED).persons == ()

    @pytest.mark.parametrize(
        "bulk_read",
        [
            a_bulk_read(began_at=EARLIER),
            replace(a_bulk_read(), rejected=frozenset({"5001"})),
        ],
        ids=["the contact has changed since", "a person of the contact was rejected"],
    )
    def test_may_still_have_some(self, bulk_read: BulkRead) -> None:
        assert bulk_read.joined(self.LISTED).persons is None

    def test_but_with_a_primary_person_in_the_list_row_has_a_person(self) -> None:
        assert a_bulk_read().joined(a_listed()).persons is None


@pytest.mark.parametrize(
    ("last_bulk_read_began_at", "expected"), [(None, True), (EARLIER, True), (MODIFIED_AT, False), (LATER, False)]
)
def test_another_bulk_read_helps_only_for_contacts_changed_since_the_last_one(
    last_bulk_read_began_at: dt.datetime | None, expected: bool
) -> None:
    assert would_settle(a_listed(), last_bulk_read_began_at) is expected


@pytest.mark.parametrize(
    ("observed_at", "expected"),
    [
        (None, False),
        (MODIFIED_AT, True),
        (MODIFIED_AT.replace(microsecond=999_999), True),
        (MODIFIED_AT + dt.timedelta(seconds=1), False),
    ],
)
def test_an_observation_in_the_second_of_the_change_is_ambiguous(
    observed_at: dt.datetime | None, expected: bool
) -> None:
    assert is_ambiguous(MODIFIED_AT, observed_at) is expected
