"""Promises of observability/logs.py: one JSON object on each line, without personal data."""

import logging
import logging.config
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from importlib.metadata import version

import httpx
import psycopg
import pytest
import redis
import structlog
import uvicorn.config
from dramatiq import Message, MessageProxy
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError, OperationalError

from db.connections import UnknownConnectionError
from db.lease_errors import LeaseLostError
from domain.printable import printable
from domain.reminders.calling_window import InvalidPolicyError
from tests.process_logs import ProcessLogs, logs_of_a_process
from tests.tables import table
from workers.observability.logs import describe, where
from workers.zoho.errors import ZohoUnavailable

ADA = "ada@example.com"


log = structlog.get_logger("workers.example")


@pytest.fixture
def logs() -> Iterator[ProcessLogs]:
    with logs_of_a_process() as logs:
        yield logs


def fail_with(error: BaseException) -> BaseException:
    """Raise the error and return it, so that it has a traceback."""
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001  (it is what was just raised)
        return raised


def test_each_line_is_a_json_object(logs: ProcessLogs) -> None:
    log.info("The run begins", action="run.begun", pages=2)
    line = logs.line
    assert str(line.pop("timestamp")).endswith("Z")
    assert (line.pop("release"), line.pop("host")) == (version("booksync"), socket.gethostname())
    assert line == {
        "event": "The run begins",
        "level": "info",
        "logger": "workers.example",
        "action": "run.begun",
        "pages": 2,
    }


def test_a_line_with_a_line_feed_stays_one_line(logs: ProcessLogs) -> None:
    log.info("two\nlines")
    assert logs.line["event"] == "two\nlines"


@pytest.mark.parametrize("attack", ["\x1b[2J", "\x9b2J", "\u202e", "a\rb", "\u200b"])
def test_decoded_json_has_no_terminal_control(logs: ProcessLogs, attack: str) -> None:
    log.info(attack, name=attack, names=[attack], facts={attack: (attack,)})
    logging.getLogger("dramatiq.worker").warning("theirs %s", attack)
    ours, theirs = logs.lines
    shown = printable(attack)
    assert (ours["event"], ours["name"], ours["names"], ours["facts"]) == (shown, shown, [shown], {shown: [shown]})
    assert theirs["event"] == f"theirs {shown}"


def test_bound_context_is_on_every_line_including_libraries(logs: ProcessLogs) -> None:
    with structlog.contextvars.bound_contextvars(run_id="r-1"):
        log.info("ours")
        logging.getLogger("dramatiq.worker").warning("theirs %d", 1)
    ours, theirs = logs.lines
    assert (ours["run_id"], theirs["run_id"]) == ("r-1", "r-1")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("theirs 1", "warning", "dramatiq.worker")


def test_unimportant_library_lines_are_not_logged(logs: ProcessLogs) -> None:
    logging.getLogger("dramatiq.worker").debug("Received message with id 7.")
    logging.getLogger("httpx").info("HTTP Request: GET /contacts?search_text=Ada")
    logging.getLogger("alembic.runtime.plugins").info("setup plugin alembic.autogenerate.schemas")
    assert logs.lines == []


def test_own_exception_is_logged_without_its_message(logs: ProcessLogs) -> None:
    log.error("The step failed", exc_info=fail_with(ValueError(ADA)))
    line = logs.line
    assert line["error"] == "ValueError"
    assert "in fail_with" in str(line["where"])
    assert ADA not in str(line)


def test_current_exception_is_logged_without_its_message(logs: ProcessLogs) -> None:
    try:
        raise KeyError(ADA)
    except KeyError:
        log.exception("The step failed")
    line = logs.line
    assert line["error"] == "KeyError"
    assert ADA not in str(line)


def test_exception_logged_by_a_library_has_no_message(logs: ProcessLogs) -> None:
    try:
        raise RuntimeError(ADA) from ValueError(ADA)
    except RuntimeError:
        logging.getLogger("dramatiq.worker").exception("Failed to process message %s", "7")
    line = logs.line
    assert (line["event"], line["error"]) == ("Failed to process message 7", "RuntimeError")
    assert ADA not in str(line)


def test_web_server_logs_in_the_same_format() -> None:
    with logs_of_a_process():
        # uvicorn does this before it loads the application.
        logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
        with logs_of_a_process() as logs:
            logging.getLogger("uvicorn.access").info('"GET /contacts?email=ada HTTP/1.1" 200')
            logging.getLogger("uvicorn.error").error("Exception in app", exc_info=fail_with(ValueError(ADA)))
    assert (logs.line["event"], logs.line["error"]) == ("Exception in app", "ValueError")
    assert ADA not in logs.text


def test_exc_info_without_an_exception_does_no_harm(logs: ProcessLogs) -> None:
    log.error("No exception here", exc_info=True)
    assert "error" not in logs.line


@table(
    ("error", "words"),
    [
        # Our own sentences hold no data.
        (UnknownConnectionError("There is no connection 7."), "There is no connection 7."),
        (InvalidPolicyError("The steps must ascend."), "The steps must ascend."),
        (LeaseLostError(), "Another worker has acquired this work: the transaction must roll back."),
        (ZohoUnavailable("GET /contacts", status=503), str(ZohoUnavailable("GET /contacts", status=503))),
        # A database's message quotes values.
        (UniqueViolation(f"Key (email)=({ADA}) already exists."), "UniqueViolation (SQLSTATE 23505)"),
        (IntegrityError("INSERT …", {"email": ADA}, UniqueViolation(ADA)), "UniqueViolation (SQLSTATE 23505)"),
        (OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused")), "OperationalError"),
        # The message of a foreign exception may quote anything.
        (KeyError(ADA), "KeyError"),
        (httpx.ConnectError(f"GET /contacts?email={ADA}"), "ConnectError"),
        (UnicodeDecodeError("utf-8", ADA.encode(), 0, 1, "invalid"), "UnicodeDecodeError"),
    ],
)
def test_error_description_has_no_data(error: BaseException, words: str) -> None:
    assert describe(error) == words


def test_origin_of_an_error_is_logged_without_its_message() -> None:
    told = where(fail_with(ValueError(ADA)))
    assert "in fail_with" in told
    assert ADA not in told


def test_infinite_recursion_is_logged_by_its_last_frames() -> None:
    def descend(depth: int) -> None:
        if depth == 0:
            raise ValueError(ADA)
        descend(depth - 1)

    with pytest.raises(ValueError, match=ADA) as failed:
        descend(200)
    assert where(failed.value).count("in descend") <= 30
    assert "raise ValueError" in where(failed.value)


def test_a_message_is_named_without_its_arguments() -> None:
    message: Message[None] = Message("api", "start_sync", ("ada@example.com",), {}, {})
    with logs_of_a_process() as logs:
        logging.getLogger("dramatiq.worker").error("Failed to process message %s.", MessageProxy(message))
    assert logs.line["event"] == f"Failed to process message start_sync {message.message_id}."


def test_refusal_of_redis_is_described_with_a_next_step() -> None:
    error = redis.ReadOnlyError("You can't write against a read only replica.", status_code="READONLY")
    assert describe(error).startswith("Redis is a read-only replica: point REDIS_URL to the primary")


class TestUncaughtErrors:
    def test_the_end_of_the_process_is_logged_without_the_errors_text(self, logs: ProcessLogs) -> None:
        error = fail_with(ValueError(ADA))
        sys.excepthook(type(error), error, error.__traceback__)
        assert (logs.line["action"], logs.line["error"], logs.line["level"]) == (
            "process.failed",
            "ValueError",
            "critical",
        )
        assert "fail_with" in logs.line["where"]
        assert ADA not in logs.text

    def test_the_end_of_a_thread_is_logged_with_its_name(self, logs: ProcessLogs) -> None:
        thread = threading.Thread(target=fail, name="some-thread")
        thread.start()
        thread.join()
        assert (logs.line["action"], logs.line["error"]) == ("thread.failed", "ValueError")
        assert "some-thread" in logs.line["event"]
        assert ADA not in logs.text

    def test_an_error_in_a_finalizer_is_logged(self, logs: ProcessLogs) -> None:
        finalized = Finalized()
        del finalized
        assert (logs.line["action"], logs.line["error"]) == ("error.unraisable", "ValueError")
        assert ADA not in logs.text

    def test_an_interrupt_is_one_line(self, logs: ProcessLogs) -> None:
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        assert (logs.line["action"], logs.line["level"]) == ("process.interrupted", "info")

    def test_a_warning_is_a_line(self, logs: ProcessLogs) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn("an old name", DeprecationWarning, stacklevel=1)
        assert (logs.line["logger"], logs.line["level"]) == ("py.warnings", "warning")
        assert "an old name" in logs.line["event"]


def fail() -> None:
    raise ValueError(ADA)


class Finalized:
    def __del__(self) -> None:
        fail()
