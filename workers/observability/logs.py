"""Logs: one JSON object per line on stderr, with ids of run, step and message but no name, phone, e-mail or token."""

import logging
import socket
import sys
import traceback
from functools import cache
from typing import Any

import psycopg
import redis
import structlog
from sqlalchemy.exc import DBAPIError

from domain.errors import BooksyncError
from domain.printable import printable
from workers.observability.uncaught import log_uncaught
from workers.redis_access import refusal_of


def set_up_logs(level: int = logging.INFO, *, is_command: bool = False) -> None:
    """Write everything that this process logs, including the libraries' lines, as JSON to stderr.

    Python's warnings and uncaught errors are logged too, unless `is_command`: a person reads the output of a command.
    """
    if not is_command:
        log_uncaught()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_origin,
        _tell_exception,
        _as_printable,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_name_messages)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn's own handlers are removed, because they would write an exception with its message, which may quote data.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    # httpx and uvicorn log each request with its URL and query, which may hold personal data; our own lines replace
    # them. Alembic logs each of its plugins.
    for name in ("httpx", "uvicorn.access", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


@cache
def _origin() -> dict[str, str]:
    # The import is late, because it takes longer than many commands, which log nothing.
    from importlib.metadata import version

    return {"release": version("booksync"), "host": socket.gethostname()}


def _add_origin(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the process's release and host, by which lines of several processes are told apart."""
    return {**_origin(), **event}


def _name_messages(record: logging.LogRecord) -> bool:
    """Replace Dramatiq messages in log lines by actor and id.

    The arguments are not logged, because a message that was enqueued by hand may hold any data in them.
    """
    # A process that has not loaded Dramatiq has no messages, and need not load it.
    if isinstance(record.args, tuple) and "dramatiq" in sys.modules:
        from dramatiq import Message, MessageProxy

        record.args = tuple(
            f"{value.actor_name} {value.message_id}" if isinstance(value, Message | MessageProxy) else value
            for value in record.args
        )
    return True


def describe(error: BaseException) -> str:
    """Describe an error without personal data. Messages of databases or libraries may quote it, so they are omitted."""
    if isinstance(error, BooksyncError):
        return str(error) or type(error).__name__
    if isinstance(error, redis.RedisError):
        return str(refusal_of(error))
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        # The message of such an error is kept, because the operator has to know which table or function is meant, and
        # only the message names it.
        return f"{cause.diag.message_primary} (SQLSTATE {cause.sqlstate})"
    if isinstance(cause, psycopg.Error) and cause.sqlstate:
        return f"{type(cause).__name__} (SQLSTATE {cause.sqlstate})"
    return type(cause).__name__


def where(error: BaseException) -> str:
    """Return the lines of code from an error's traceback, without the error's message."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-30))


def _tell_exception(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    info = event.pop("exc_info", None)
    if info:
        error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else sys.exc_info()[1]
        if error is not None:
            event["error"] = describe(error)
            event["where"] = where(error)
    return event


def _as_printable(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escape a log line's control characters (not line ends), because a log viewer decodes and prints the JSON text."""
    return {name: _printable(value) for name, value in event.items()}


def _printable(value: Any) -> Any:
    match value:
        case str():
            return "\n".join(map(printable, value.split("\n")))
        case dict():
            return {_printable(key): _printable(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [_printable(each) for each in value]
        case _:
            return value
