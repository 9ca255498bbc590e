"""Webhooks: what a webhook event says, whether it needs a call to Zoho, and its outcome."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.persons import is_ambiguous

#: After a record was read, its further events are deferred until this time has passed without a new event.
QUIET_SECONDS = 2.0
#: The events of a record are never deferred for longer, so that continuous editing does not keep the cache outdated.
LONGEST_QUIET_SECONDS = 10.0

#: The maximum of records of one connection with a message in the queue; further records stay in Postgres. So no
#: connection is queued behind ten thousand events of another one.
MOST_SENT = 25


class EventKind(StrEnum):
    CHANGED = "changed"  #: created or edited
    DELETED = "deleted"  #: deleted in Zoho according to the event
    VENDOR = "vendor"  #: a contact who sends invoices: not, or no longer, a customer
    ORPHANED = "orphaned"  #: internal: the invoice's customer is gone, so the invoice may belong to another one
    WANTED = "wanted"  #: internal: an invoice refers to this contact, which is not cached
    REJECTED = "rejected"  #: internal: a list has returned this record as a row that cannot be understood


#: The kinds of events that booksync stores by itself. The others came by a webhook.
INTERNAL_KINDS = frozenset({EventKind.ORPHANED, EventKind.WANTED, EventKind.REJECTED})


class EventOutcome(StrEnum):
    """What a webhook event has led to."""

    ASKED = "asked"  #: the record was read from Zoho, and the response is cached
    KNOWN = "known"  #: the change was already cached, so no call was made
    READ = "read"  #: many records had events, so a run has read them from the lists
    GONE = "gone"  #: the record is deleted in Zoho, or not a customer any more; it was marked deleted
    UNMARKED = "unmarked"  #: one of suspiciously many deletions, held back until a person decides
    UNREADABLE = "unreadable"  #: the response was rejected; the cached record stays
    #: The event is for a kind that booksync does not cache, or for a deleted record that was never cached.
    IGNORED = "ignored"
    FAILED = "failed"  #: the refresh was given up; the next run reads the record


@dataclass(frozen=True, slots=True)
class Event:
    """The stored part of an event: which record has changed, how and when, but none of the record's values."""

    entity: str
    record_id: str
    kind: EventKind
    modified_at: datetime | None
    digest: str | None  #: SHA-256 of the body of the event


@dataclass(frozen=True, slots=True)
class EventSummary:
    """What all waiting events of a record say together; at least one event."""

    newest_change: datetime | None = None  #: Zoho's time of the newest change that an event names
    has_untimed_change: bool = False
    has_removal: bool = False  #: an event says that the record is deleted, or a vendor
    is_wanted: bool = False
    has_news: bool = True  #: at least one event differs from the last handled one


@dataclass(frozen=True, slots=True)
class CachedVersion:
    """The cached version of a record."""

    is_live: bool
    modified_at: datetime | None
    observed_at: datetime | None


def is_known(reported: EventSummary, cached: CachedVersion | None) -> bool:
    """Whether the cache already has everything that the waiting events report, so that no call to Zoho is needed.

    A version that was read in the same second as its change may lack other changes of that second. So a new event about
    such a version needs a call; a repeated event does not. Zoho's events have no id (API section 6: webhooks): an event
    with the same entity, record id and time of change is a repeated one.
    """
    if cached is None or not cached.is_live:
        # The removal of an uncached record is not news, and neither is an earlier change; everything else is.
        if reported.has_untimed_change or reported.is_wanted:
            return False
        return reported.newest_change is None or _has(cached, reported.newest_change)
    if reported.has_removal or reported.has_untimed_change:
        return False
    if reported.newest_change is None:
        return True
    if not _has(cached, reported.newest_change):
        return False
    is_same = cached.modified_at == reported.newest_change
    return not (is_same and reported.has_news and is_ambiguous(cached.modified_at, cached.observed_at))


def _has(cached: CachedVersion | None, change: datetime) -> bool:
    """Whether the cached version of the record includes the change."""
    return cached is not None and cached.modified_at is not None and cached.modified_at >= change
