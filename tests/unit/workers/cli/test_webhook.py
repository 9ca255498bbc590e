"""Promises of workers/cli/webhook.py: what an operator reads of refused webhooks."""

from datetime import UTC, datetime, timedelta

from workers.cli.webhook import refusals_line

NEXT = "the secret does not match. Next: booksync webhook show ID, and put that secret into Zoho's rule"


def test_nothing_is_said_where_none_was_refused() -> None:
    assert refusals_line({"count": 0, "since": None, "last_at": None}, "ID") is None


def test_times_of_today_name_the_hour() -> None:
    now = datetime.now(UTC)
    line = refusals_line({"count": 6, "since": now, "last_at": now}, "ID")
    assert line == f"6 webhooks refused since {now:%H:%M}, the last at {now:%H:%M}: {NEXT}"


def test_times_of_an_earlier_day_name_the_day() -> None:
    now = datetime.now(UTC)
    since = now - timedelta(days=2)
    line = refusals_line({"count": 1, "since": since, "last_at": now}, "ID")
    assert line == f"1 webhook refused since {since:%Y-%m-%d %H:%M}, the last at {now:%H:%M}: {NEXT}"
