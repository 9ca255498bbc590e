"""Promises of db/failures.py: each error of Postgres is named by its SQLSTATE, with the next step and without data."""

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.failures import Failure, FailureKind, failure_of, sentence
from tests.tables import table

ADA = "ada@example.com"
URL = "postgresql://someone:hidden@db.example:6432/books"


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, error, connection_invalidated=lost)


def refused(said: str) -> OperationalError:
    """A failed connection attempt: libpq reports only its text."""
    text = f'connection failed: connection to server at "127.0.0.1", port 5432 failed: {said}'
    return OperationalError("", {}, psycopg.OperationalError(text))


@table(
    ("error", "kind"),
    [
        (errors.ConnectionFailure(), FailureKind.UNREACHABLE),
        (errors.AdminShutdown(), FailureKind.UNREACHABLE),
        (errors.CannotConnectNow(), FailureKind.UNREACHABLE),
        # 57P05 (Postgres 14): the server closed an idle session.
        (errors.IdleSessionTimeout(), FailureKind.UNREACHABLE),
        (errors.ProtocolViolation("query_wait_timeout"), FailureKind.CONNECTIONS),
        (errors.ProtocolViolation("server conn crashed?"), FailureKind.UNREACHABLE),
        (errors.TooManyConnections(), FailureKind.CONNECTIONS),
        (errors.DiskFull(), FailureKind.DISK),
        (errors.OutOfMemory(), FailureKind.MEMORY),
        (errors.ConfigurationLimitExceeded(), FailureKind.MEMORY),
        (errors.SerializationFailure(), FailureKind.TRY_AGAIN),
        (errors.DeadlockDetected(), FailureKind.TRY_AGAIN),
        (errors.StatementCompletionUnknown(), FailureKind.TRY_AGAIN),
        (errors.LockNotAvailable(), FailureKind.TRY_AGAIN),
        (errors.QueryCanceled(), FailureKind.TIMEOUT),
        (errors.IdleInTransactionSessionTimeout(), FailureKind.TIMEOUT),
        (errors.ReadOnlySqlTransaction(), FailureKind.READ_ONLY),
        (errors.InsufficientPrivilege(), FailureKind.PERMISSION),
        (errors.InvalidPassword(), FailureKind.AUTHENTICATION),
        (errors.InvalidCatalogName(), FailureKind.NO_DATABASE),
        (errors.UndefinedTable(), FailureKind.SCHEMA),
        (errors.UndefinedColumn(), FailureKind.SCHEMA),
        (errors.UndefinedFunction(), FailureKind.SCHEMA),
        (errors.DuplicatePreparedStatement(), FailureKind.POOLER),
        (errors.InvalidSqlStatementName(), FailureKind.POOLER),
        (errors.UniqueViolation(), FailureKind.DEFECT),
        (errors.DivisionByZero(), FailureKind.DEFECT),
        # No SQLSTATE: the connection broke, or no reply came in time.
        (psycopg.OperationalError("consuming input failed: server closed the connection"), FailureKind.UNREACHABLE),
        (psycopg.OperationalError("the connection is closed"), FailureKind.UNREACHABLE),
    ],
)
def test_the_kind_of_an_error(error: Exception, kind: FailureKind) -> None:
    assert failure_of(error).kind is kind
    assert failure_of(wrapped(error)).kind is kind


@table(
    ("said", "kind"),
    [
        ("Connection refused", FailureKind.UNREACHABLE),
        ("FATAL:  the database system is starting up", FailureKind.UNREACHABLE),
        ("FATAL:  sorry, too many clients already", FailureKind.CONNECTIONS),
        ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", FailureKind.CONNECTIONS),
        ('FATAL:  too many connections for role "sync"', FailureKind.CONNECTIONS),
        ("FATAL:  no more connections allowed (max_client_conn)", FailureKind.CONNECTIONS),
        ('FATAL:  password authentication failed for user "sync"', FailureKind.AUTHENTICATION),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', FailureKind.AUTHENTICATION),
        ('FATAL:  role "sync" does not exist', FailureKind.AUTHENTICATION),
        ('FATAL:  role "sync" is not permitted to log in', FailureKind.AUTHENTICATION),
        ('FATAL:  database "books" does not exist', FailureKind.NO_DATABASE),
        ("FATAL:  no such database: books", FailureKind.NO_DATABASE),
        ("FATAL:  unsupported startup parameter: options", FailureKind.POOLER),
    ],
)
def test_a_refused_connection_is_classified_by_the_servers_text(said: str, kind: FailureKind) -> None:
    failure = failure_of(refused(said))
    assert failure.kind is kind


def test_a_connection_lost_during_a_statement_is_unreachable() -> None:
    assert failure_of(wrapped(psycopg.InterfaceError(), lost=True)).kind is FailureKind.UNREACHABLE


def test_a_pool_without_a_free_connection_is_not_an_unreachable_server() -> None:
    failure = failure_of(PoolTimeoutError("QueuePool limit of size 10 overflow 10 reached"))
    assert failure.kind is FailureKind.CONNECTIONS


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            refused("Connection refused"),
            (
                "Postgres cannot be reached at db.example:6432 (Connection refused): check DATABASE_URL, and that the"
                " server runs."
            ),
        ),
        (
            wrapped(errors.DiskFull("could not extend file: No space left on device")),
            (
                "Postgres at db.example:6432 has no disk space left (could not extend file: No space left on device):"
                " free some; the work continues by itself after that."
            ),
        ),
        (
            wrapped(errors.ReadOnlySqlTransaction()),
            (
                "Postgres at db.example:6432 is read-only (ReadOnlySqlTransaction, SQLSTATE 25006): point DATABASE_URL"
                " to the primary, or set default_transaction_read_only to off."
            ),
        ),
        (
            wrapped(errors.DeadlockDetected()),
            (
                "Another transaction was in the way at db.example:6432 (DeadlockDetected, SQLSTATE 40P01): nothing was"
                " written, try the same again."
            ),
        ),
    ],
)
def test_a_sentence_contains_the_address_the_cause_and_the_next_step(error: Exception, said: str) -> None:
    assert sentence(error, URL) == said


@pytest.mark.parametrize(
    ("kind", "brief"),
    [
        (FailureKind.UNREACHABLE, "does not respond"),
        (
            FailureKind.AUTHENTICATION,
            "refuses the login: check user and password in DATABASE_URL, and the server's pg_hba.conf",
        ),
        (
            FailureKind.POOLER,
            (
                "The connection pooler does not support what booksync sends: in transaction mode set"
                " DATABASE_PREPARED_STATEMENTS=off; statement mode, and options in DATABASE_URL, cannot be used"
            ),
        ),
    ],
)
def test_in_brief_a_failure_is_its_state_and_the_way_out(kind: FailureKind, brief: str) -> None:
    assert Failure(kind, "cause").brief == brief


@table("kind", FailureKind)
def test_no_brief_quotes_the_servers_words(kind: FailureKind) -> None:
    assert "cause" not in Failure(kind, "cause").brief
    assert "{" not in Failure(kind, "cause").brief


@table("kind", FailureKind)
def test_no_sentence_shows_the_password(kind: FailureKind) -> None:
    assert "hidden" not in Failure(kind, "cause").sentence(URL)


def test_an_error_that_may_quote_a_row_is_named_by_its_type_alone() -> None:
    quoting = errors.UniqueViolation(f"Key (email)=({ADA}) already exists.")
    said = sentence(IntegrityError("INSERT …", {"email": ADA}, quoting), URL)
    assert ADA not in said
    assert "UniqueViolation, SQLSTATE 23505" in said


def test_an_address_with_several_hosts_is_shown_by_the_first_host() -> None:
    said = sentence(refused("Connection refused"), "postgresql://u@/books?host=first:1&host=second:2")
    assert "at first:1 (" in said


class TestWhatTheWorkDoes:
    @pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.DISK, FailureKind.READ_ONLY])
    def test_an_unavailable_server_uses_up_no_attempt(self, kind: FailureKind) -> None:
        assert not kind.spends_attempt

    @pytest.mark.parametrize("kind", [FailureKind.DEFECT, FailureKind.TIMEOUT, FailureKind.MEMORY])
    def test_an_error_of_the_statement_itself_uses_up_an_attempt(self, kind: FailureKind) -> None:
        assert kind.spends_attempt

    def test_only_a_conflict_with_another_transaction_is_retried_at_once(self) -> None:
        assert [kind for kind in FailureKind if kind.is_repeated_at_once] == [FailureKind.TRY_AGAIN]
