"""The logs of a booksync process as on its stderr; the logging configuration is restored after the test."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import Any

import structlog

from workers.observability.logs import set_up_logs

#: The library loggers whose configuration booksync changes.
_TOUCHED = ("httpx", "alembic", "uvicorn", "uvicorn.error", "uvicorn.access")


class ProcessLogs:
    """The lines logged so far."""

    def __init__(self) -> None:
        self.stderr = StringIO()

    @property
    def text(self) -> str:
        return self.stderr.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The logged lines; each is one JSON object."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        """The only logged line."""
        (line,) = self.lines
        return line


@contextmanager
def logs_of_a_process(level: int = logging.INFO) -> Iterator[ProcessLogs]:
    """Configure this process's logging like a worker's inside the block."""
    before = [(logger, logger.level, logger.handlers, logger.propagate) for logger in map(logging.getLogger, _TOUCHED)]
    root_level = logging.getLogger().level
    structlog_before = structlog.get_config()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    logs = ProcessLogs()
    with redirect_stderr(logs.stderr):
        set_up_logs(level)
    try:
        yield logs
    finally:
        # The earlier handlers were pytest's, which adds its own at each phase of a test.
        logging.getLogger().handlers = []
        logging.getLogger().setLevel(root_level)
        for logger, level, handlers, propagate in before:
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate
        structlog.configure(**structlog_before)
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        structlog.contextvars.clear_contextvars()
