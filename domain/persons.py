"""Contact persons: where a listed contact's persons are read from, with as few calls as possible.

A contact's list row has only the primary person's values. The other persons come from the bulk read, or from a detail
call for each contact. The bulk read may lack persons, for instance those of inactive contacts. So a person that the
bulk read lacks counts as deleted only after a detail call. The response to that call is cached, and no further detail
call is made while the contact's list row stays the same. A rejected row of the bulk read counts as a person that the
bulk read lacks.

The list row and the bulk read may disagree about the primary person, because a person was changed between the two
calls. A detail call then decides, and its response is cached in the same way. Contacts beyond the run's limit of detail
calls are left to the next full run. Until then a cached contact with an unchanged list row stays unchanged. Any other
contact gets its primary person's values from the list row, because an older value from the bulk read could be another
person's number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.contacts import Contact, ContactPerson

#: The detail calls of one run that only confirm omissions or contradictions of the bulk read; the next run makes
#: further ones.
MAX_CONFIRMING_CALLS = 100


@dataclass(frozen=True, slots=True)
class BulkRead:
    """The persons that a bulk read, which began at the server's time `began_at`, has returned for some contacts."""

    began_at: datetime
    persons: Mapping[str, tuple[ContactPerson, ...]]
    rejected: frozenset[str] = frozenset()  #: contacts of which the bulk list had rejected rows

    def is_older_than(self, contact: Contact) -> bool:
        """Whether the contact has changed since the bulk read of persons began."""
        return contact.modified_at is not None and contact.modified_at > self.began_at

    def contradicts(self, contact: Contact) -> bool:
        return disagree(contact, self.persons.get(contact.contact_id, ()))

    def joined(self, contact: Contact) -> Contact:
        """The contact with its persons; without known persons if only the list row is reliable."""
        if self._confirms_no_person(contact):
            return contact.with_persons(())
        return joined(contact, self.persons.get(contact.contact_id, ()))

    def _confirms_no_person(self, contact: Contact) -> bool:
        return (
            contact.primary is None
            and contact.contact_id not in self.persons
            and contact.contact_id not in self.rejected
            and not self.is_older_than(contact)
        )

    def ids_of(self, contact_id: str) -> frozenset[str]:
        return ids_of(self.persons.get(contact_id, ()))

    def omits(self, contact: Contact) -> bool:
        """Whether the bulk read lacks persons that the detail response `contact` has, or has another primary person."""
        if contact.persons is None:
            return False
        return not ids_of(contact.persons) <= self.ids_of(contact.contact_id) or self.contradicts(contact)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """The cached state of a contact."""

    person_ids: frozenset[str]
    bulk_omits_persons: bool  #: a detail response has persons that the bulk list lacks, or another primary person
    row_is_same: bool  #: the list row equals the cached values


class Source(StrEnum):
    """The source of a contact's persons."""

    BULK_READ = "bulk_read"  #: the bulk read (or the person in the list row, if the bulk read has none)
    CACHE = "cache"  #: nothing has changed
    DETAILS = "details"  #: only a detail call is reliable


@dataclass
class ChangedContacts:
    """The changed contacts of a page, and which of these contacts need a detail call."""

    confirming_calls: int  #: the run's detail calls so far that count towards `MAX_CONFIRMING_CALLS`
    changed: list[Contact] = field(default_factory=list)
    needing_details: set[str] = field(default_factory=set)


def changed_contacts(
    contacts: Sequence[Contact], known: Mapping[str, KnownContact], bulk_read: BulkRead | None, *, confirming_calls: int
) -> ChangedContacts:
    """Decide for each contact of a page whether it has changed, and whether its persons need a detail call.

    Without a bulk read (`bulk_read` is None), every changed contact needs a detail call.
    """
    found = ChangedContacts(confirming_calls)
    for contact in contacts:
        cached = known.get(contact.contact_id)
        may_ask = found.confirming_calls < MAX_CONFIRMING_CALLS
        source = _source(contact, cached, bulk_read, may_ask=may_ask)
        if source is not Source.CACHE:
            found.changed.append(contact)
        if source is Source.DETAILS:
            found.needing_details.add(contact.contact_id)
            found.confirming_calls += bulk_read is not None and not bulk_read.is_older_than(contact)
    return found


def disagree(contact: Contact, persons: Sequence[ContactPerson]) -> bool:
    """Whether the persons from the bulk list contradict the contact's own primary person.

    They do if no person is flagged as primary, if several are, or if the flagged person has other values than the
    contact's primary person.
    """
    flagged = [person for person in persons if person.is_primary]
    if len(flagged) != 1:
        return bool(persons)
    return contact.primary is not None and _values(flagged[0]) != _values(contact.primary)


def joined(contact: Contact, persons: tuple[ContactPerson, ...]) -> Contact:
    """A contact from its list row, with its persons from the bulk list; unchanged if the bulk list has no such person.

    If the row and the bulk list disagree about the primary person, the row's values are used, because contacts are read
    after persons. The primary person is then the person of the bulk list with these values, else a new person without
    an id. Other persons that the bulk list flags as primary are left out, because their numbers may be outdated.
    """
    if not persons:
        return contact
    if not disagree(contact, persons):
        return contact.with_persons(persons)
    named = contact.primary
    if named is None:
        return contact.with_persons(tuple(replace(person, is_primary=False) for person in persons))
    same = next((person for person in persons if _values(person) == _values(named)), None)
    primary = replace(same or named, is_primary=True)
    others = (person for person in persons if person is not same and not person.is_primary)
    return contact.with_persons((primary, *others))


def would_settle(contact: Contact, last_bulk_read_began_at: datetime | None) -> bool:
    """Whether a new bulk read of persons would show the contact's present persons better than the last bulk read.

    It would if the contact has changed since the last one began, or if none was made.
    """
    if last_bulk_read_began_at is None or contact.modified_at is None:
        return last_bulk_read_began_at is None
    return contact.modified_at > last_bulk_read_began_at


def is_ambiguous(modified_at: datetime | None, observed_at: datetime | None) -> bool:
    """Whether the record was modified and read in the same second.

    The response may then lack a later change of that second, so the next run reads the record again.
    """
    if modified_at is None or observed_at is None:
        return False
    return modified_at.replace(microsecond=0) == observed_at.replace(microsecond=0)


def ids_of(persons: Iterable[ContactPerson]) -> frozenset[str]:
    """The ids of persons. A person that was read from a contact's list row has no id."""
    return frozenset(person.person_id for person in persons if person.person_id)


def _source(contact: Contact, known: KnownContact | None, bulk_read: BulkRead | None, *, may_ask: bool) -> Source:
    if bulk_read is None:
        return Source.CACHE if known and known.row_is_same else Source.DETAILS
    if bulk_read.is_older_than(contact):
        return Source.DETAILS
    is_whole = contact.contact_id not in bulk_read.rejected
    if is_whole and not _lacks_somebody(contact, known, bulk_read.ids_of(contact.contact_id)):
        return _source_of_primary(contact, known, bulk_read, may_ask=may_ask)
    if known is None:
        return Source.DETAILS if may_ask else Source.BULK_READ
    if not known.row_is_same:
        return Source.DETAILS
    # If the list omits this contact entirely, a missing person proves nothing. If the list has some of its persons, a
    # missing one may be deleted.
    is_left_out = known.bulk_omits_persons and not bulk_read.ids_of(contact.contact_id)
    return Source.DETAILS if may_ask and not is_left_out else Source.CACHE


def _source_of_primary(contact: Contact, known: KnownContact | None, bulk_read: BulkRead, *, may_ask: bool) -> Source:
    """The source of persons for a contact whose known persons are all in the bulk list."""
    if not bulk_read.contradicts(contact):
        return Source.BULK_READ
    if known is not None and known.row_is_same:
        # No detail call is made, because an earlier one has decided or the run may make none. The cached values equal
        # the row's.
        return Source.DETAILS if may_ask and not known.bulk_omits_persons else Source.CACHE
    return Source.DETAILS if may_ask else Source.BULK_READ


def _lacks_somebody(contact: Contact, known: KnownContact | None, bulk_ids: frozenset[str]) -> bool:
    is_without_primary = contact.primary is not None and not bulk_ids
    return is_without_primary or (known is not None and not known.person_ids <= bulk_ids)


def _values(person: ContactPerson) -> tuple[str, ...]:
    texts = (person.first_name, person.last_name, person.email, person.phone, person.mobile)
    return tuple(" ".join(text.split()) for text in texts)
