"""Deletions: Zoho announces none, so a full run infers them, and a brake keeps an error from emptying the cache."""

from enum import StrEnum

#: More confirmed deletions than both of these, and nothing is marked without `--allow-deletions`.
BRAKE_COUNT = 10
BRAKE_SHARE = 0.02


class RecordKind(StrEnum):
    """What can be deleted in Zoho."""

    CUSTOMER = "customer"
    INVOICE = "invoice"


def needs_permission(gone: int, cached: int) -> bool:
    """Whether so many deletions among so many cached records look like an error, and want a person's word."""
    return gone > BRAKE_COUNT and gone > cached * BRAKE_SHARE
