"""Webhooks: what an event tells of a record, when it is worth a call to Zoho, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.persons import is_ambiguous

#: After a record was looked at, further events of it wait until there is none for so long, …
QUIET_SECONDS = 2.0
#: … but never longer than this: somebody who goes on editing must not keep the cache old.
LONGEST_QUIET_SECONDS = 10.0

#: So many records of one connection have a message at once; the others wait in Postgres. So no connection stands behind
#: ten thousand events of another one in the queue that all share.
MOST_SENT = 25


class Entity(StrEnum):
    """What booksync fetches for an event; whatever else Zoho tells of is ignored."""

    CONTACT = "contact"
    INVOICE = "invoice"


class EventKind(StrEnum):
    CHANGED = "changed"  #: created or edited
    DELETED = "deleted"  #: gone from Zoho, says the event
    VENDOR = "vendor"  #: a contact who sends invoices: no customer (any more)
    ORPHANED = "orphaned"  #: no webhook's: the invoice's customer is gone, so that it may belong to another one
    WANTED = "wanted"  #: no webhook's: an invoice names this contact, whom nobody has cached


class Outcome(StrEnum):
    """What became of an event."""

    ASKED = "asked"  #: Zoho was asked, and its answer is cached
    KNOWN = "known"  #: what it tells was cached already: no call
    READ = "read"  #: many records had events, and a run has read them from the lists: no call
    GONE = "gone"  #: Zoho has the record no longer, or it is no customer any more: marked
    UNMARKED = "unmarked"  #: gone, but suspiciously many are: held back until a person decides
    UNREADABLE = "unreadable"  #: Zoho's answer could not be understood; what is cached stays
    IGNORED = "ignored"  #: of something that booksync does not cache, or of what is gone and was never cached
    FAILED = "failed"  #: given up: the next run makes up for it


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as far as it is kept: nothing of a record but its id and the time of its change."""

    entity: str
    record_id: str
    kind: EventKind
    modified_at: datetime | None
    digest: str | None  #: SHA-256 of the body that told it


@dataclass(frozen=True, slots=True)
class Told:
    """What the waiting events of one record tell together; there is at least one."""

    newest_change: datetime | None = None  #: Zoho's time
    has_untimed_change: bool = False
    has_removal: bool = False  #: deleted, or a vendor
    is_wanted: bool = False
    has_news: bool = True  #: not all of them repeat the event that was settled last


@dataclass(frozen=True, slots=True)
class CachedVersion:
    """What is cached of a record."""

    is_live: bool
    modified_at: datetime | None
    observed_at: datetime | None


def is_known(told: Told, cached: CachedVersion | None) -> bool:
    """Whether the events tell nothing that is not cached: then no call is made.

    An event has no id of its own: (entity, id, time of change) is its key (API section 6). A version that was read in
    the very second of its change may be half of what that second brought; a repeated event tells nothing of it.
    """
    if cached is None or not cached.is_live:
        # A removal of what is not there is no news, nor is a change of before it; everything else is.
        if told.has_untimed_change or told.is_wanted:
            return False
        return told.newest_change is None or _has(cached, told.newest_change)
    if told.has_removal or told.has_untimed_change:
        return False
    if told.newest_change is None:
        return True
    if not _has(cached, told.newest_change):
        return False
    is_same = cached.modified_at == told.newest_change
    return not (is_same and told.has_news and is_ambiguous(cached.modified_at, cached.observed_at))


def _has(cached: CachedVersion | None, change: datetime) -> bool:
    """Whether the cached version is that of the change, or a later one."""
    return cached is not None and cached.modified_at is not None and cached.modified_at >= change
