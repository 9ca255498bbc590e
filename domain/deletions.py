"""Deletions: Zoho announces none, so a full run infers them; an error of the list must not empty the cache."""

from enum import StrEnum

#: More records than both of these are suspiciously many.
BRAKE_COUNT = 10
BRAKE_SHARE = 0.02


class RecordKind(StrEnum):
    """What can be deleted in Zoho."""

    CUSTOMER = "customer"
    INVOICE = "invoice"


def needs_permission(gone: int, cached: int) -> bool:
    """Whether so many deletions among so many cached records look like an error, and want a person's word."""
    return _are_many(gone, cached)


def is_unreliable(found_there: int, cached: int) -> bool:
    """Whether a list that lacked so many records which Zoho has all the same is worth no further question."""
    return _are_many(found_there, cached)


def _are_many(count: int, cached: int) -> bool:
    return count > BRAKE_COUNT and count > cached * BRAKE_SHARE
