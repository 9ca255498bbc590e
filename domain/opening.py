"""Opening: whether a connection hands reminders over, and what becomes of the steps that passed before."""

from enum import StrEnum


class Handover(StrEnum):
    """Whether due reminders of a connection are handed over. Closing stops nothing else."""

    CLOSED = "closed"  #: at first, until a person has seen who would be called
    OPEN = "open"


class Backlog(StrEnum):
    """What happens, when a connection is opened, to invoices that are past a step already."""

    NONE = "none"  #: only the steps after the opening are planned
    LATEST = "latest"  #: the latest passed step is made up for
