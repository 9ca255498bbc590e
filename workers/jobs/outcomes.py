"""The table of errors and their outcomes for leased work, used by run steps, refreshes and single records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from db.failures import DatabaseError, Failure, FailureKind, failure_of
from db.refreshes import BUDGET
from domain.errors import BooksyncError
from domain.walk import WalkStuck
from workers.budget import BudgetUnavailable, BudgetWait, TokenEndpointThrottled
from workers.observability.logs import describe
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError
from workers.zoho.errors import (
    PARKING_ERRORS,
    BadRequest,
    ClientRejected,
    MissingScope,
    NotFound,
    PermanentZohoError,
    RecordUnreadable,
    Refused,
    Throttled,
    TokenRejected,
    TransientZohoError,
    UnusableResponse,
    WaitForToken,
    ZohoError,
    ZohoUnavailable,
)

#: The wait if Redis or Postgres does not respond, or after Zoho has paused the organisation. The wait is short, because
#: the budget reports at the next attempt when the pause ends.
_PAUSE_SECONDS: Final = 2.0

#: The wait for an operator. After the wait, another worker with the right settings may acquire the work.
_OPERATOR_SECONDS: Final = 30.0


#: Failures of Postgres that last until an operator fixes them. The work is deferred for longer after them, because each
#: attempt may cost a call to Zoho.
_WAIT_FOR_OPERATOR: Final = frozenset({FailureKind.PERMISSION, FailureKind.SCHEMA, FailureKind.POOLER})
_DATABASE_OPERATOR_SECONDS: Final = 300.0


class Outcome(Enum):
    """What happens to work that has met an error."""

    DEFERRED = auto()  #: deferred: the work continues at a known time; no attempt is spent
    BLOCKED = auto()  #: blocked: the installation needs an operator; the work is deferred, and no attempt is spent
    RETRIED = auto()  #: the error may pass: another attempt; after the last one the work is given up
    GIVEN_UP = auto()  #: given up: another attempt would not help
    PARKED = auto()  #: parked: Zoho refuses the connection until a person reconnects it
    #: An error that booksync does not know. It is retried like RETRIED, but after the last attempt the work counts as
    #: defective.
    UNKNOWN = auto()


class DeferredError(BooksyncError):
    """The work continues after a known time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()


class RetriedError(BooksyncError):
    """The work failed for now, and another attempt may succeed."""


class GivenUpError(BooksyncError):
    """The work must not be done any more."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What happens to work that has met one error: its outcome, the reason and the wait."""

    outcome: Outcome
    reason: str  #: the reason for people, without secrets and personal data
    seconds: float = 0.0  #: the length of a wait with a known end
    headline: str = (
        #: The log message of a BLOCKED outcome.
        "This installation is set up wrongly, so work is deferred until an operator acts"
    )


#: Type of error → outcome. The first matching row counts, so errors of a connection or the installation precede the
#: general types.
_OUTCOMES: Final[Sequence[tuple[type[Exception] | tuple[type[Exception], ...], Outcome]]] = (
    ((BudgetWait, DeferredError, BudgetUnavailable, Throttled, WaitForToken), Outcome.DEFERRED),
    ((*PARKING_ERRORS, MisplacedSecretError), Outcome.PARKED),
    ((ClientRejected, UnreadableSecretError), Outcome.BLOCKED),
    ((TransientZohoError, WalkStuck, RetriedError), Outcome.RETRIED),
    ((PermanentZohoError, GivenUpError), Outcome.GIVEN_UP),
    (Exception, Outcome.UNKNOWN),
)

#: Errors of a detail call that may concern only its record, and whether the same call may succeed later. Zoho returns
#: 401 for a record that the grant's user may not see, so not every 401 concerns the connection.
_OF_ONE_RECORD: Final[Mapping[type[Exception], bool]] = {
    ZohoUnavailable: True,
    UnusableResponse: True,
    NotFound: True,
    Refused: False,
    BadRequest: False,
    RecordUnreadable: False,
    MissingScope: False,
    TokenRejected: False,
}


def handling_of(error: Exception) -> Handling:
    """What happens to work that has met this error."""
    if isinstance(error, DatabaseError):
        return _after_failure(failure_of(error), error)
    outcome = next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
    return Handling(outcome, _reason_of(error), _seconds_of(error, outcome))


def _after_failure(failure: Failure, error: Exception) -> Handling:
    """What happens to work after a failure of Postgres.

    The outcome is UNKNOWN only if the work itself may be at fault. A lost connection or a deadlock is not its fault.
    """
    if failure.kind.spends_attempt:
        return Handling(Outcome.UNKNOWN, describe(error))
    reason = f"Postgres ({describe(error)})"
    if failure.kind is FailureKind.TRY_AGAIN:
        return Handling(Outcome.RETRIED, reason)
    if failure.kind is FailureKind.DISK:
        advice = f"{reason}: free some; the work continues by itself after that"
        return Handling(
            Outcome.BLOCKED, advice, _DATABASE_OPERATOR_SECONDS, "Postgres has no disk space left, so work is deferred"
        )
    if failure.kind in _WAIT_FOR_OPERATOR:
        return Handling(Outcome.BLOCKED, reason, _DATABASE_OPERATOR_SECONDS)
    return Handling(Outcome.DEFERRED, reason, _PAUSE_SECONDS)


def concerns_one_record(error: Exception) -> bool:
    """Whether the error of a detail call may concern only its record, so other records can still be read.

    An error of a token request never concerns only one record.
    """
    return isinstance(error, ZohoError) and isinstance(error, tuple(_OF_ONE_RECORD)) and error.call.startswith("GET")


def is_certainly_of_one_record(error: Exception) -> bool:
    """Whether Zoho rejects this record's id or content.

    Such errors do not indicate an outage of Zoho, however many they are.
    """
    return isinstance(error, (BadRequest, RecordUnreadable))


def is_worth_another_attempt(error: Exception) -> bool:
    """Whether a record's call that failed with this error may succeed later."""
    return any(isinstance(error, kind) and may_pass for kind, may_pass in _OF_ONE_RECORD.items())


def _reason_of(error: Exception) -> str:
    if isinstance(error, BudgetWait) and not isinstance(error, TokenEndpointThrottled):
        return f"{BUDGET} ({error.reason})"
    return describe(error)


def _seconds_of(error: Exception, outcome: Outcome) -> float:
    if outcome is Outcome.BLOCKED:
        return _OPERATOR_SECONDS
    if isinstance(error, (BudgetWait, DeferredError, WaitForToken)):
        return error.seconds
    return _PAUSE_SECONDS if outcome is Outcome.DEFERRED else 0.0
