"""A time zone in which it is noon now, for reminders that are due now."""

import datetime as dt


def zone_at_noon() -> str:
    """A zone in which it is between noon and one o'clock. POSIX inverts the sign: it counts hours west of Greenwich."""
    return f"Etc/GMT{dt.datetime.now(dt.UTC).hour - 12:+d}"
