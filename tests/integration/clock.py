"""A zone of the present, for reminders that are due at this very moment."""

import datetime as dt


def zone_at_noon() -> str:
    """A zone in which it is between noon and one o'clock. POSIX counts the hours west of Greenwich."""
    return f"Etc/GMT{dt.datetime.now(dt.UTC).hour - 12:+d}"
