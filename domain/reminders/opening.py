"""Opening: whether a connection hands reminders over, and what happens to steps that passed before the opening."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Handover(StrEnum):
    """Whether due reminders of a connection are handed over. A closed connection still syncs and plans."""

    CLOSED = "closed"  #: closed: the initial state, until a person has seen the planned calls
    OPEN = "open"


class Backlog(StrEnum):
    """What happens, when a connection is opened, to invoices whose reminder steps have already passed."""

    NONE = "none"  #: only the steps after the opening are planned
    LATEST = "latest"  #: the latest passed step of each invoice is planned


@dataclass(frozen=True, slots=True)
class Opening:
    """When and how a connection was opened for handovers, which decides whether a passed step counts as missed."""

    opened_at: dt.datetime | None  #: the time of the opening; None: the connection was never opened
    with_backlog: bool = False  #: steps before the opening count as missed too


#: An opening in the distant past: no step comes before it.
ALWAYS_OPEN = Opening(dt.datetime.min.replace(tzinfo=dt.UTC))
