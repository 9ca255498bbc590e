"""Forecast: the cost of a run in API calls and time, and how often syncs without changes are affordable."""

import math
from dataclasses import dataclass

from domain.lists import PER_PAGE
from domain.truth_check import RECORDS

#: Polling without changes uses at most this share of the day's calls. Other work needs the remaining calls.
POLLING_SHARE = 0.5

#: The calls of a sync without changes: one page of contacts, and one of invoices.
CALLS_OF_AN_IDLE_SYNC = 2

#: The call by which a full run reads the organisation's time zone, country and name again.
CALLS_OF_AN_ORGANIZATION = 1

#: The detail calls of a nightly truth check.
CALLS_OF_A_TRUTH_CHECK = RECORDS

#: A truth check leaves this share of the day's calls unused, in addition to the reserve for other programs.
_SPARE_SHARE = 0.1

#: The maximum of contacts whose details a full run reads again if the bulk read of persons is refused: a tenth of the
#: daily limit of Zoho's smallest plan (API section 4: limits).
DETAILS_REREAD = 100

#: The new rows of a walk's page. The few further rows repeat rows of the page before.
_NEW_ROWS_A_PAGE = PER_PAGE - 3

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """The known size of an organisation. `persons_pages` is the number of pages of the last bulk read of persons."""

    customers: int
    invoices: int
    persons_pages: int | None
    bulk_persons_refused: bool = False  #: the bulk read of persons is unavailable: persons are read by detail calls
    #: Whether a run has read all customers. Before that, the details of every customer are still to be read if the bulk
    #: read is refused.
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """The calls that a run may make in each window of the API budget."""

    calls: int
    window_seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run."""

    calls: int
    seconds: float  #: the seconds that the run waits for the API budget


@dataclass(frozen=True, slots=True)
class Grant:
    """The calls that the API budget grants a run now. A number is None if Zoho has not reported the day's calls."""

    #: The wait before the run's first call: for the end of a pause, or for midnight if the day's calls are used up.
    begins_in_seconds: float = 0.0
    calls_today: int | None = None  #: the calls left today, without those reserved for other programs
    calls_a_day: int | None = None  #: the calls of a whole day, without those reserved for other programs
    day_ends_in_seconds: float = 0.0  #: until Zoho grants the next day's calls

    def delays(self, cost: Cost) -> Cost:
        """The run's cost with delays added: the wait before the first call, or the waits for further days' calls."""
        if self.begins_in_seconds > 0:
            return Cost(cost.calls, self.begins_in_seconds + cost.seconds)
        if self.calls_today is None or cost.calls <= self.calls_today:
            return cost
        days = math.ceil((cost.calls - self.calls_today) / max(1, self.calls_a_day or 1))
        return Cost(cost.calls, max(cost.seconds, self.day_ends_in_seconds + (days - 1) * _DAY_SECONDS))


def full_cost(size: Size, rate: Rate) -> Cost:
    """The cost of a full run: both lists, the persons, the organisation's own facts, and details to be read again."""
    return _cost(_reading(size) + CALLS_OF_AN_ORGANIZATION + _rereading(size), rate)


def reading_cost(size: Size, rate: Rate) -> Cost:
    """The cost of reading both lists and the persons.

    The persons cost one bulk read. If its number of pages is unknown, the customer list's number is used. If Zoho
    refuses the bulk read, each contact costs one detail call in the first run, and an unchanged contact none later.
    """
    return _cost(_reading(size), rate)


def incremental_cost(changed_contacts: int, size: Size, rate: Rate, *, changed_invoices: int = 0) -> Cost:
    """The cost of an incremental run: the pages of the changed records and the details of the changed contacts.

    Each changed contact costs a detail call, unless a bulk read of the persons is cheaper.
    """
    may_read_in_bulk = size.persons_pages is not None and not size.bulk_persons_refused
    details = min(changed_contacts, size.persons_pages or 0) if may_read_in_bulk else changed_contacts
    return _cost(_pages(changed_contacts) + _pages(changed_invoices) + details, rate)


def polling_seconds(
    interval_seconds: float, full_interval_seconds: float, size: Size, *, day_limit: int | None, connections: int
) -> float:
    """The seconds between incremental syncs: `interval_seconds`, or more if the day's calls do not suffice for that.

    Syncs without changes, full runs and truth checks together get `POLLING_SHARE` of the day's calls. The `connections`
    of one organisation divide this share. While the day's limit is unknown (None), the result is `interval_seconds`.
    """
    if day_limit is None:
        return interval_seconds
    full = CALLS_OF_A_TRUTH_CHECK + full_cost(size, Rate(1, 0)).calls * _DAY_SECONDS / full_interval_seconds
    # A tenth of the share is always left for incremental syncs, even if full runs are expensive.
    share = day_limit * POLLING_SHARE / connections
    calls = max(share - full, share / 10)
    return max(interval_seconds, CALLS_OF_AN_IDLE_SYNC * _DAY_SECONDS / calls)


def leaves_room(size: Size, *, day_limit: int | None, day_left: int | None, reserve: float) -> bool:
    """Whether the day's calls suffice for a truth check, the full run after it, and a margin.

    `reserve` is the share of the day for other integrations. A limit that Zoho has not reported yet does not apply.
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
    """The maximum number of detail calls by which a full run reads contacts again.

    The result is 0 unless Zoho refuses the bulk read of persons. A run may make fewer calls, because it does not read
    recently read details again.
    """
    return min(size.customers, DETAILS_REREAD) if size.bulk_persons_refused and size.is_read else 0


def _pages(records: int) -> int:
    return max(1, math.ceil(records / _NEW_ROWS_A_PAGE))


def _cost(calls: int, rate: Rate) -> Cost:
    """The cost of a run with `calls` calls.

    The first window's calls are made without a wait; each further window adds a wait of `rate.window_seconds`.
    """
    return Cost(calls, (math.ceil(calls / rate.calls) - 1) * rate.window_seconds)
