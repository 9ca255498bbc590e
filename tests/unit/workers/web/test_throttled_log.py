"""Promises of workers/web/throttled_log.py: warnings that any client can cause do not fill the log."""

import logging

import pytest
from structlog.testing import capture_logs

from workers.web.throttled_log import ThrottledLog, throttled_uvicorn_warnings


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


def test_each_of_uvicorns_warnings_comes_once_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    logger = logging.getLogger("uvicorn.error")
    with throttled_uvicorn_warnings(clock=lambda: now[0]), caplog.at_level(logging.INFO, "uvicorn.error"):
        for now[0] in (0.0, 1.0, 9.9, 10.0):
            logger.warning("Invalid HTTP request received.")
            logger.warning("Exceeded concurrency limit.")
        for _ in range(3):
            logger.error("Exception in ASGI application")
    logger.warning("Invalid HTTP request received.")
    said = [record.message for record in caplog.records]
    assert said.count("Invalid HTTP request received.") == 3, "the third after the block"
    assert said.count("Exceeded concurrency limit.") == 2
    assert said.count("Exception in ASGI application") == 3
