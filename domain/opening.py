"""Opening: whether a connection hands reminders over, and the treatment of steps that passed before."""

from enum import StrEnum


class Handover(StrEnum):
    """Whether due reminders of a connection are handed over. Closing stops nothing else."""

    CLOSED = "closed"  #: the initial state, until a person has seen the planned calls
    OPEN = "open"


class Backlog(StrEnum):
    """The treatment of invoices with passed steps when a connection is opened."""

    NONE = "none"  #: only the steps after the opening are planned
    LATEST = "latest"  #: the latest passed step is planned
