"""Deletions: what proves one, and when the others are too many to be marked without a person."""

from dataclasses import dataclass
from enum import StrEnum

#: More records than both of these are suspiciously many.
SAFEGUARD_COUNT = 10
SAFEGUARD_SHARE = 0.02

#: Detail calls of one run about missing records, once the safeguard holds them back. They show a person how far the
#: loss goes; with --allow-deletions a run asks about all.
MOST_ASKED_ABOUT = 500


class RecordKind(StrEnum):
    """What can be deleted in Zoho."""

    CUSTOMER = "customer"
    INVOICE = "invoice"


class Evidence(StrEnum):
    """Why a record seems to be deleted. Each is weighed by the deletion safeguard.

    Proof is only a deleted event together with a 404 for the record's id. It needs no entry here, because such a record
    is marked at once.
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
    """What the deletion safeguard looks at, of one kind of one connection."""

    cached: int  #: live records
    gone: int  #: found gone without proof, in this run or lately
    held: int  #: held back already, by earlier runs and events


def needs_permission(tally: Tally) -> bool:
    """Whether deletions without proof look like an error of Zoho's, so that a person must decide.

    Records that are held back already count: while they wait, further ones join them.
    """
    return _are_many(tally.gone + tally.held, tally.cached)


def is_unreliable(found_there: int, cached: int) -> bool:
    """Whether a list has lacked too many records that Zoho has: then further questions are not worth their calls."""
    return _are_many(found_there, cached)


def _are_many(count: int, cached: int) -> bool:
    return count > SAFEGUARD_COUNT and count > cached * SAFEGUARD_SHARE
