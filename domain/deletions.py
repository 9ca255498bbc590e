"""Deletions: the proof of a deletion, and the safeguard against too many unproven ones."""

from dataclasses import dataclass
from enum import StrEnum

#: Unproven deletions are suspicious if they exceed both limits: this number, and this share of the cached records.
SAFEGUARD_COUNT = 10
SAFEGUARD_SHARE = 0.02

#: The detail calls that one run makes for missing records while the safeguard holds them back. These calls show a
#: person the extent of the loss; with --allow-deletions a run checks all missing records.
MOST_ASKED_ABOUT = 500


class Evidence(StrEnum):
    """Why a record seems to be deleted, without a proof. The deletion safeguard counts records with such a reason.

    A proof is a deleted event together with a 404 for the record's id. It has no entry in this enum, because such a
    record is marked deleted at once.
    """

    NOT_LISTED = "not_listed"
    OTHER_EVENT = "other_event"
    VENDOR = "vendor"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Evidence.NOT_LISTED: "missing from Zoho's list, and gone when asked for by its id",
    Evidence.OTHER_EVENT: "404 by its id after an event that does not say deleted",
    Evidence.VENDOR: "the contact is a vendor now",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers by which the deletion safeguard decides, for one kind of record of one connection."""

    cached: int  #: live records in the cache
    gone: int  #: records found gone without proof, in this run or recently
    held: int  #: held back already, by earlier runs and events


def needs_permission(tally: Tally) -> bool:
    """Whether the unproven deletions are so many that a person must decide, because Zoho may be in error.

    Records that are already held back are added. Otherwise many small losses would pass one by one.
    """
    return _are_many(tally.gone + tally.held, tally.cached)


def is_unreliable(found_there: int, cached: int) -> bool:
    """Whether a list is unreliable, because it has omitted many records (`found_there`) that Zoho still has.

    It is then not worth the calls to check the other records that the list has omitted.
    """
    return _are_many(found_there, cached)


def _are_many(count: int, cached: int) -> bool:
    return count > SAFEGUARD_COUNT and count > cached * SAFEGUARD_SHARE
