"""Forecast: what a run will cost in API calls and in time, and how often idle polling may ask."""

import math
from dataclasses import dataclass

from domain.lists import PER_PAGE
from domain.truth_check import RECORDS

#: Idle polling takes at most this share of the day's calls; the rest is for work and for other integrations.
POLLING_SHARE = 0.5

#: A sync that finds nothing asks for one page of contacts and one of invoices.
CALLS_OF_AN_IDLE_SYNC = 2

#: A full run reads the organisation's time zone, country and name again.
CALLS_OF_AN_ORGANIZATION = 1

#: The detail calls of a night's truth check.
CALLS_OF_A_TRUTH_CHECK = RECORDS

#: A truth check leaves this share of the day's calls, in addition to the reserve of others.
_SPARE_SHARE = 0.1

#: Details that a full run reads again where the bulk list of persons is refused: a tenth of the smallest plan's day
#: (API section 4).
DETAILS_REREAD = 100

#: A walk's pages overlap by a few rows.
_NEW_ROWS_A_PAGE = PER_PAGE - 3

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """How much an organisation has, as far as it is known; `persons_pages` is what the last sweep took."""

    customers: int
    invoices: int
    persons_pages: int | None
    bulk_persons_refused: bool = False  #: there is no list of persons: contacts are asked about one by one
    is_read: bool = True  #: a run has read all customers; before that nobody knows what their rows leave out


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls a run gets in each window."""

    calls: int
    window_seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """A run's price."""

    calls: int
    seconds: float  #: of waiting for the API budget


@dataclass(frozen=True, slots=True)
class Grant:
    """What the budget grants a run, as it stands; None where Zoho has not reported the day's calls."""

    begins_in_seconds: float = 0.0  #: until a pause or a spent day lets a run call
    calls_today: int | None = None  #: without those that others keep
    calls_a_day: int | None = None
    day_ends_in_seconds: float = 0.0

    def delays(self, cost: Cost) -> Cost:
        """The cost with its waiting: before the run begins, and for each midnight that it has to wait for."""
        if self.begins_in_seconds > 0:
            return Cost(cost.calls, self.begins_in_seconds + cost.seconds)
        if self.calls_today is None or cost.calls <= self.calls_today:
            return cost
        days = math.ceil((cost.calls - self.calls_today) / max(1, self.calls_a_day or 1))
        return Cost(cost.calls, max(cost.seconds, self.day_ends_in_seconds + (days - 1) * _DAY_SECONDS))


def full_cost(size: Size, rate: Rate) -> Cost:
    """A full run: all that is read of the lists, the organisation's own facts, and the details that are read again."""
    return _cost(_reading(size) + CALLS_OF_AN_ORGANIZATION + _rereading(size), rate)


def reading_cost(size: Size, rate: Rate) -> Cost:
    """Both lists, and the persons.

    The persons are the bulk list, taken to be as long as the customers' where unknown. Where it is refused a contact
    costs a detail call, but once: a row that says what is cached costs none.
    """
    return _cost(_reading(size), rate)


def incremental_cost(changed_contacts: int, size: Size, rate: Rate, *, changed_invoices: int = 0) -> Cost:
    """An incremental run after that many changes: the pages of the changed records, and the details of the contacts.

    The details are a call each, or a bulk read of the persons where that is cheaper.
    """
    may_sweep = size.persons_pages is not None and not size.bulk_persons_refused
    details = min(changed_contacts, size.persons_pages or 0) if may_sweep else changed_contacts
    return _cost(_pages(changed_contacts) + _pages(changed_invoices) + details, rate)


def polling_seconds(
    interval_seconds: float, full_interval_seconds: float, size: Size, *, day_limit: int | None, connections: int
) -> float:
    """The interval of incremental syncs, stretched so that idle polling keeps to its share of the day's calls.

    `connections` of one organisation share that share; the nightly full runs and truth checks come out of it too.
    Without a known limit the interval stays as it is.
    """
    if day_limit is None:
        return interval_seconds
    full = CALLS_OF_A_TRUTH_CHECK + full_cost(size, Rate(1, 0)).calls * _DAY_SECONDS / full_interval_seconds
    # However dear the full runs are, a tenth of the share is left for noticing changes.
    share = day_limit * POLLING_SHARE / connections
    calls = max(share - full, share / 10)
    return max(interval_seconds, CALLS_OF_AN_IDLE_SYNC * _DAY_SECONDS / calls)


def leaves_room(size: Size, *, day_limit: int | None, day_left: int | None, reserve: float) -> bool:
    """Whether the day's calls suffice for a truth check, the full run after it, and some more.

    `reserve` is the share of the day that other integrations keep. What Zoho has not reported yet is no limit.
    """
    if day_limit is None or day_left is None:
        return True
    calls = CALLS_OF_A_TRUTH_CHECK + full_cost(size, Rate(1, 0)).calls
    return day_left - calls >= day_limit * (reserve + _SPARE_SHARE)


def _reading(size: Size) -> int:
    return _pages(size.customers) + _persons(size) + _pages(size.invoices)


def _persons(size: Size) -> int:
    if size.bulk_persons_refused:
        return 0 if size.is_read else size.customers
    return _pages(size.customers) if size.persons_pages is None else size.persons_pages


def _rereading(size: Size) -> int:
    """At most: details that were read within half a day are not read again."""
    return min(size.customers, DETAILS_REREAD) if size.bulk_persons_refused and size.is_read else 0


def _pages(records: int) -> int:
    return max(1, math.ceil(records / _NEW_ROWS_A_PAGE))


def _cost(calls: int, rate: Rate) -> Cost:
    """The first window's calls go at once; each further window is waited for."""
    return Cost(calls, (math.ceil(calls / rate.calls) - 1) * rate.window_seconds)
