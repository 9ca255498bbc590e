"""Opening: whether a connection hands reminders over, and what happens to steps that passed before the opening."""

from enum import StrEnum


class Handover(StrEnum):
    """Whether due reminders of a connection are handed over. A closed connection still syncs and plans."""

    CLOSED = "closed"  #: closed: the initial state, until a person has seen the planned calls
    OPEN = "open"


class Backlog(StrEnum):
    """What happens, when a connection is opened, to invoices whose reminder steps have already passed."""

    NONE = "none"  #: only the steps after the opening are planned
    LATEST = "latest"  #: the latest passed step of each invoice is planned
