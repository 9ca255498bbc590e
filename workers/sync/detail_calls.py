"""Detail calls for many records: a record whose call keeps failing is rejected by name and does not block others.

A failure counts as the record's own only after the run has read another record of its kind. Until then the failure is
only suspected: several different records that fail in a row are an outage, and the step is retried like any other.
Failed records are read after other records (`failed_records`), so a repeated step reads other records first. A refused
token counts as the record's own failure only after the same token has read another record.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Generic, TypeVar

import structlog

from db import failed_records, rejected_records
from db.session import Session
from domain.entities import Entity, entities
from domain.lists import Rejected
from domain.runs import RecordRef, Run
from workers.budget import BudgetWait, WaitReason
from workers.jobs.outcomes import (
    DeferredError,
    concerns_one_record,
    is_certainly_of_one_record,
    is_worth_another_attempt,
)
from workers.observability.logs import describe
from workers.sync.work import Work
from workers.zoho.errors import REFUSED_TOKEN, TransientZohoError, ZohoError

log = structlog.get_logger(__name__)

RecordT = TypeVar("RecordT")

#: If this number of different records fails in a row, Zoho has an outage.
OUTAGE = 3

#: How many calls for a record may fail in one run before the record is rejected.
ATTEMPTS = 3

#: The pause before further calls if only failed records are left.
_PAUSE_SECONDS = 2.0

#: The longest wait of a run for the API budget. If the day's calls are used up, the run continues without spare calls.
LONGEST_WAIT_SECONDS = 300.0


class OnlyFailingRecordsError(DeferredError):
    """Only records whose calls have failed are left; they are read again in a moment."""


class SeveralRecordsFailError(TransientZohoError):
    """Several records in a row cannot be read."""


class Asked(Enum):
    """How many of the requested records the run could read."""

    ALL = auto()
    SOME = auto()  #: single records have failed
    STOPPED = auto()  #: only for spare calls: stopped by an outage, or by the day's budget


@dataclass(frozen=True, slots=True)
class DetailCalls(Generic[RecordT]):
    """The detail calls for records of one kind. A failed spare (optional) call never fails the run's phase."""

    ref_of: Callable[[RecordT], RecordRef]
    ask: Callable[[RecordT], None]  #: makes the call for a record and writes the response
    #: Writes what is known of a record without the call; receives the reason.
    reject: Callable[[Session, RecordT, str], Run]
    attempts: int = ATTEMPTS
    is_spare: bool = False
    is_named: bool = True  #: whether rejected records are reported to people and degrade the run


def ask_each(work: Work, records: Sequence[RecordT], calls: DetailCalls[RecordT]) -> Asked:
    """Make the detail calls of these records one by one.

    Raises:
        OnlyFailingRecordsError: no call has succeeded, and some records have attempts left.
        BudgetWait: the API budget defers a call. For spare calls, only a short wait is raised.
        SeveralRecordsFailError: an outage, unless the calls are spare.
        ZohoError: no record of the kind was read and the step has attempts left, or the error concerns every call.
    """
    failures = _Failures(work, calls)
    for record in records:
        renewals, calls_before = work.transport.renewals, work.calls
        try:
            calls.ask(record)
        except BudgetWait as wait:
            is_worth_it = wait.seconds <= LONGEST_WAIT_SECONDS and wait.reason is not WaitReason.DAY
            if not calls.is_spare or is_worth_it:
                raise
            log.warning(
                "The API budget is short, so spare detail calls are left for a later run",
                action="details.not_affordable",
                reason=wait.reason,
            )
            return Asked.STOPPED
        except ZohoError as error:
            if not concerns_one_record(error):
                raise
            failures.add(record, error, was_renewed=work.transport.renewals > renewals)
            if failures.is_outage and calls.is_spare:
                failures.put_off()
                return Asked.STOPPED
            if failures.is_outage:
                raise SeveralRecordsFailError(error.call, status=error.status, code=error.code) from error
        else:
            if work.calls > calls_before:
                failures.another_was_read(record)
    return failures.end()


@dataclass(frozen=True, slots=True)
class _Failed(Generic[RecordT]):
    """A record whose detail call has failed."""

    record: RecordT
    error: ZohoError
    renewals: int  #: how often the step had renewed its access token when the call failed
    was_renewed: bool  #: whether the token was renewed in that call, so that the refusal is not caused by the token


class _Failures(Generic[RecordT]):
    """The records of one step whose detail calls have failed."""

    def __init__(self, work: Work, calls: DetailCalls[RecordT]) -> None:
        self._work = work
        self._calls = calls
        with work.transaction() as db:
            self._attempts = failed_records.attempts(db, work.run.run_id)
        self._in_a_row: dict[Entity, list[_Failed[RecordT]]] = defaultdict(list)
        self._entities_read: set[Entity] = set()
        self._failed = self._may_succeed = 0

    @property
    def is_outage(self) -> bool:
        return any(len(failed) >= OUTAGE for failed in self._in_a_row.values())

    def add(self, record: RecordT, error: ZohoError, *, was_renewed: bool) -> None:
        """Record that the call for a record failed.

        The failure counts towards an outage, except in three cases: the record has already used an attempt in this run,
        Zoho rejects its id or content, or a spare call fails with an error that another attempt cannot cure.
        """
        self._failed += 1
        ref, is_refused = self._calls.ref_of(record), not is_worth_another_attempt(error)
        is_its_own = is_certainly_of_one_record(error) or (self._calls.is_spare and is_refused)
        if self._attempts.get(ref, 0) > 0 or is_its_own:
            self._count(record, error)
            return
        self._in_a_row[ref.entity].append(_Failed(record, error, self._work.transport.renewals, was_renewed))
        with self._work.transaction() as db:
            self._save(db, record, error, attempts=0)
            self._work.renew(db)

    def another_was_read(self, record: RecordT) -> None:
        """Attribute the earlier failures to their records, because Zoho has now returned a record of the same kind."""
        ref, run_id = self._calls.ref_of(record), self._work.run.run_id
        self._entities_read.add(ref.entity)
        if ref in self._attempts:
            with self._work.transaction() as db:
                failed_records.forget(db, run_id, ref)
            del self._attempts[ref]
        self._count_in_a_row(ref.entity, another_was_read=True)
        suspects = [each for each, attempts in self._attempts.items() if each.entity is ref.entity and attempts == 0]
        if suspects:
            with self._work.transaction() as db:
                failed_records.count_suspects(db, run_id, ref.entity)
            self._attempts |= dict.fromkeys(suspects, 1)

    def put_off(self) -> None:
        """Reject the failed records of a truth check. Otherwise every later run would begin with them again."""
        if self._calls.is_named:
            return
        with self._work.transaction() as db:
            for failed in chain.from_iterable(self._in_a_row.values()):
                self._work.checkpoint(db, self._calls.reject(db, failed.record, describe(failed.error)))

    def end(self) -> Asked:
        for entity in entities():
            self._raise_if_nothing_else_is_left(entity)
            self._count_in_a_row(entity, another_was_read=False)
        if self._may_succeed and not self._entities_read:
            raise OnlyFailingRecordsError(_PAUSE_SECONDS)
        return Asked.SOME if self._failed else Asked.ALL

    def _raise_if_nothing_else_is_left(self, entity: Entity) -> None:
        """Raise the error of a failed record if no record of the kind was read and another attempt may succeed.

        Only another attempt can show whether the failures are due to the records or to Zoho.
        """
        if self._calls.is_spare or entity in self._entities_read or self._work.run.is_last_attempt:
            return
        for failed in self._in_a_row.get(entity, ()):
            if is_worth_another_attempt(failed.error):
                raise failed.error

    def _count_in_a_row(self, entity: Entity, *, another_was_read: bool) -> None:
        for failed in self._in_a_row.pop(entity, ()):
            is_same_token = failed.renewals == self._work.transport.renewals
            is_its_own = failed.was_renewed or (another_was_read and is_same_token)
            may_succeed = isinstance(failed.error, REFUSED_TOKEN) and not is_its_own
            self._count(failed.record, failed.error, may_succeed=may_succeed)

    def _count(self, record: RecordT, error: ZohoError, *, may_succeed: bool = False) -> None:
        attempts = self._attempts.get(self._calls.ref_of(record), 0) + 1
        is_last = (
            attempts >= self._calls.attempts
            or not (may_succeed or is_worth_another_attempt(error))
            or (self._work.run.is_last_attempt and not self._calls.is_spare)
        )
        run = self._work.run
        with self._work.transaction() as db:
            if is_last:
                run = self._reject(db, record, error)
            self._save(db, record, error, attempts=attempts, is_rejected=is_last and self._calls.is_named)
            self._work.checkpoint(db, run)
        self._may_succeed += not is_last

    def _reject(self, db: Session, record: RecordT, error: ZohoError) -> Run:
        ref, reason = self._calls.ref_of(record), describe(error)
        log.warning(
            "The run rejects a record, because the call that reads the record keeps failing",
            action="record.rejected",
            kind=ref.entity.kind,
            record_id=ref.record_id,
            reason=reason,
        )
        if self._calls.is_named:
            aside = Rejected(ref.record_id, reason)
            rejected_records.record(db, self._work.run.connection_id, ref.entity.name, [aside])
        return self._calls.reject(db, record, reason)

    def _save(
        self, db: Session, record: RecordT, error: ZohoError, *, attempts: int, is_rejected: bool = False
    ) -> None:
        failed_records.record_failure(
            db,
            self._work.run.run_id,
            self._calls.ref_of(record),
            attempts=attempts,
            reason=describe(error),
            is_rejected=is_rejected,
        )
