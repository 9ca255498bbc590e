"""Python's warnings, and errors that no code has caught, as log lines instead of text on stderr."""

import logging
import sys
import threading
from types import TracebackType

import structlog

log = structlog.get_logger(__name__)

#: An error with its type and traceback, as the logging module accepts it.
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def log_uncaught() -> None:
    """From now on, log warnings and uncaught errors of this process, in all threads and in finalizers."""
    logging.captureWarnings(True)
    sys.excepthook = _log_end
    threading.excepthook = _log_thread
    sys.unraisablehook = _log_unraisable


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.info("The process was interrupted", action="process.interrupted")
    else:
        _write("The process ends because of an uncaught error", "process.failed", (kind, error, trace))


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not issubclass(failed.exc_type, SystemExit):
        named = failed.thread.name if failed.thread else "unknown"
        _write(
            f"The thread {named} has ended because of an uncaught error",
            "thread.failed",
            (failed.exc_type, failed.exc_value, failed.exc_traceback),
        )


def _log_unraisable(failed: "sys.UnraisableHookArgs") -> None:
    if failed.exc_value is not None:
        _write(
            "An error in a finalizer or callback was ignored",
            "error.unraisable",
            (failed.exc_type, failed.exc_value, failed.exc_traceback),
        )


def _write(sentence: str, action: str, error: _ExcInfo) -> None:
    log.critical(sentence, action=action, exc_info=error)
