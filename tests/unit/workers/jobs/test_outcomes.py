"""How a unit of work ends after a failure of Postgres."""

import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from workers.jobs.outcomes import Outcome, handling_of
from workers.secrets.vault import UnreadableSecretError
from workers.zoho.errors import ClientRejected

SET_UP_WRONGLY = "This installation is set up wrongly, so work is deferred until an operator acts"


def wrapped(error: Exception) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, error)


@pytest.mark.parametrize(
    "error",
    [
        errors.InsufficientPrivilege(),
        errors.UndefinedTable(),
        errors.UndefinedColumn(),
        # A transaction pooler, and prepared statements.
        errors.InvalidSqlStatementName(),
        errors.DiskFull(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_that_lasts_waits_five_minutes_and_spends_no_attempt(error: Exception) -> None:
    handling = handling_of(wrapped(error))
    assert (handling.outcome, handling.seconds) == (Outcome.BLOCKED, 300)


@pytest.mark.parametrize(
    "error", [errors.AdminShutdown(), errors.ReadOnlySqlTransaction(), errors.TooManyConnections()]
)
def test_a_failure_that_passes_waits_a_moment(error: Exception) -> None:
    handling = handling_of(wrapped(error))
    assert (handling.outcome, handling.seconds) == (Outcome.DEFERRED, 2)


def test_a_full_disk_is_called_by_its_name() -> None:
    handling = handling_of(wrapped(errors.DiskFull()))
    assert handling.headline == "Postgres has no disk space left, so work is deferred"
    assert "free some; the work continues by itself after that" in handling.reason


@pytest.mark.parametrize(
    "error", [wrapped(errors.InsufficientPrivilege()), ClientRejected(), UnreadableSecretError()], ids=repr
)
def test_what_an_operator_has_set_up_wrongly_is_called_so(error: Exception) -> None:
    assert handling_of(error).headline == SET_UP_WRONGLY
