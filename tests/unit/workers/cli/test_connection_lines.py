"""Promises of workers/cli/connection_lines.py: the lines for an operator about refused webhooks."""

from datetime import UTC, datetime, timedelta

from workers.cli.connection_lines import refusals_line

NEXT = "the secret does not match. Next: booksync webhook show ID, and put that secret into Zoho's rule"


def test_no_line_without_a_refused_webhook() -> None:
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
