"""Promises of workers/web/throttled_log.py: what a stranger can cause at will does not fill the log."""

from structlog.testing import capture_logs

from workers.web.throttled_log import ThrottledLog


def test_warnings_within_ten_seconds_are_counted_in_the_next_line() -> None:
    now = [0.0]
    throttled = ThrottledLog("Something happened", action="web.something", clock=lambda: now[0])
    with capture_logs() as logs:
        for now[0] in (0.0, 1.0, 9.9, 10.0, 11.0, 25.0):
            throttled.warning(address="1.1.1.1")
    assert [(line["event"], line["action"], line["count"]) for line in logs] == [
        ("Something happened", "web.something", 1),
        ("Something happened", "web.something", 3),
        ("Something happened", "web.something", 2),
    ]
