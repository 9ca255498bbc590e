"""The logs of a booksync process, as its stderr shows them, in a test that gives everything back afterwards."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import Any

import structlog

from workers.observability.logs import set_up_logs

#: The loggers of libraries that are set up otherwise than they come.
_TOUCHED = ("httpx", "alembic", "uvicorn", "uvicorn.error", "uvicorn.access")


class ProcessLogs:
    """What was logged so far."""

    def __init__(self) -> None:
        self.stderr = StringIO()

    @property
    def text(self) -> str:
        return self.stderr.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line is one object."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        """The only one."""
        (line,) = self.lines
        return line


@contextmanager
def logs_of_a_process(level: int = logging.INFO) -> Iterator[ProcessLogs]:
    """Inside the block this process logs as a worker does."""
    before = [(logger, logger.level, logger.handlers, logger.propagate) for logger in map(logging.getLogger, _TOUCHED)]
    root_level = logging.getLogger().level
    structlog_before = structlog.get_config()
    logs = ProcessLogs()
    with redirect_stderr(logs.stderr):
        set_up_logs(level)
    try:
        yield logs
    finally:
        # What stood here before was pytest's, which adds its own at each phase of a test.
        logging.getLogger().handlers = []
        logging.getLogger().setLevel(root_level)
        for logger, level, handlers, propagate in before:
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate
        structlog.configure(**structlog_before)
        structlog.contextvars.clear_contextvars()
