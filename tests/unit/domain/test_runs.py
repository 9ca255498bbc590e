"""Promises of domain/runs.py: the progress of a run, its failures, its end, and its JSON."""

import datetime as dt
import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE, Entity, entities
from domain.lists import Page, Rejected
from domain.run_position import ListRead, Position
from domain.runs import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    MAX_ATTEMPTS,
    ODD_ROWS,
    Counters,
    Mode,
    Phase,
    Run,
    RunStatus,
    retry_seconds,
)
from domain.truth_check import TruthCheck
from domain.walk import Walk, WalkById
from tests.builders import MODIFIED_AT, a_contact
from tests.tables import table

MOMENTS = st.datetimes(timezones=st.just(dt.UTC))


def a_run(phase: Phase = Phase.CONTACTS, *, attempts: int = 1, degraded_reason: str | None = None) -> Run:
    return Run(
        run_id=uuid.uuid4(),
        user_id=uuid.uuid4(),
        connection_id=uuid.uuid4(),
        mode=Mode.FULL,
        allow_deletions=False,
        is_scheduled=False,
        phase=phase,
        step=3,
        attempts=attempts,
        degraded_reason=degraded_reason,
    )


def a_walk_under_way(since: dt.datetime | None) -> Walk:
    """A walk that has read one page and requests another."""
    page = Page((a_contact(modified_at=MODIFIED_AT),), (), has_more=True, server_time=MODIFIED_AT)
    walk, _ = Walk.begin(since).take(page)
    return walk


walks = st.builds(Walk.begin, st.none() | MOMENTS) | st.just(a_walk_under_way(None))
lists = st.builds(ListRead, walk=st.none() | walks, asked_at=st.none() | MOMENTS, is_unread=st.booleans())
positions = st.builds(
    Position,
    persons=st.none() | st.builds(WalkById, started_at=st.none() | MOMENTS, is_finished=st.booleans()),
    persons_ahead=st.none() | st.builds(WalkById, page=st.integers(1, 99)),
    persons_calls=st.integers(0, 1000),
    bulk_reads=st.integers(0, 3),
    details=st.integers(0, 1000),
    confirming_calls=st.integers(0, 100),
    details_reread=st.integers(0, 100),
    lists=st.dictionaries(st.sampled_from(entities()), lists.filter(lambda read: read != ListRead())),
    customers_complete=st.booleans(),
    found_there=st.integers(0, 1000),
    found_gone_at=st.none() | MOMENTS,
    truth_check=st.builds(
        TruthCheck,
        asked=st.integers(0, 20),
        checked=st.integers(0, 20),
        drifted=st.dictionaries(st.sampled_from(["customers.primary_phone", "invoices.balance"]), st.integers(1, 20)),
        customers=st.lists(st.from_regex(r"\A[0-9]{1,19}\Z"), max_size=3).map(tuple),
        invoices=st.lists(st.from_regex(r"\A[0-9]{1,19}\Z"), max_size=3).map(tuple),
    ),
)


@given(positions)
def test_a_position_survives_json(position: Position) -> None:
    assert Position.from_json(orjson.loads(orjson.dumps(position.to_json()))) == position


def test_a_run_that_has_not_begun_has_an_empty_position() -> None:
    assert Position.from_json({}) == Position()


def test_a_complete_bulk_read_of_the_release_before_still_counts() -> None:
    kept = {"persons_page": 4, "persons_swept_at": "2026-03-02T09:30:00+00:00", "persons_swept": True}
    position = Position.from_json(kept)
    assert (position.has_bulk_read, position.bulk_read_began_at) == (True, MODIFIED_AT)


def test_an_incomplete_bulk_read_of_the_release_before_begins_again() -> None:
    kept = {"persons_page": 4, "persons_swept_at": "2026-03-02T09:30:00+00:00", "persons_swept": False}
    assert Position.from_json(kept).persons is None


def test_counters_add_up() -> None:
    counters = Counters(new={CUSTOMER: 1, INVOICE: 5}).plus(CUSTOMER, new=2, updated=3)
    assert counters == Counters(new={CUSTOMER: 3, INVOICE: 5}, updated={CUSTOMER: 3})


def test_counters_keep_their_keys_in_the_database() -> None:
    counters = Counters(new={INVOICE: 5})
    stored = {"customers_new": 0, "customers_updated": 0, "invoices_new": 5, "invoices_updated": 0}
    assert (counters.to_json(), Counters.from_json(stored)) == (stored, counters)


def test_a_position_of_the_release_before_keeps_its_lists() -> None:
    walk = Walk.begin(MODIFIED_AT)
    stored = {"contacts": walk.to_json(), "customers_asked_at": MODIFIED_AT.isoformat(), "invoices_unread": True}
    position = Position.from_json(stored)
    assert position.lists == {CUSTOMER: ListRead(walk, MODIFIED_AT), INVOICE: ListRead(is_unread=True)}
    assert position.to_json().items() >= stored.items()


@table(
    ("given_up", "following", "status", "sentence"),
    [
        # Details replace the bulk list of persons, …
        (Phase.PERSONS, Phase.CONTACTS, RunStatus.RUNNING, None),
        # … the cached customers replace those that could not be read, …
        (Phase.START, Phase.INVOICES, RunStatus.RUNNING, "Customers are not complete: Zoho is down."),
        (Phase.CONTACTS, Phase.INVOICES, RunStatus.RUNNING, "Customers are not complete: Zoho is down."),
        (Phase.CUSTOMERS, Phase.INVOICES, RunStatus.RUNNING, "Customers are not complete: Zoho is down."),
        (Phase.GONE_CUSTOMERS, Phase.INVOICES, RunStatus.RUNNING, "Customers are not complete: Zoho is down."),
        # … and the cached invoices; …
        (Phase.INVOICES, Phase.REMINDERS, RunStatus.RUNNING, "Invoices are not complete: Zoho is down."),
        (Phase.GONE_INVOICES, Phase.REMINDERS, RunStatus.RUNNING, "Invoices are not complete: Zoho is down."),
        # … nothing replaces the plan.
        (Phase.REMINDERS, Phase.DONE, RunStatus.FAILED, "Reminders are not planned: Zoho is down."),
    ],
)
def test_a_phase_that_is_given_up_does_not_stop_the_others(
    given_up: Phase, following: Phase, status: RunStatus, sentence: str | None
) -> None:
    run = a_run(given_up).give_up_phase("Zoho is down.")
    assert (run.phase, run.status, run.degraded_reason) == (following, status, sentence)


def test_a_run_keeps_each_reason_why_it_is_degraded() -> None:
    run = a_run(Phase.CONTACTS).give_up_phase("One.").give_up_phase("Two.")
    assert run.degraded_reason == "Customers are not complete: One. Invoices are not complete: Two."
    assert run.phase is Phase.REMINDERS


def test_giving_up_does_not_change_the_step_number() -> None:
    run = a_run()
    assert run.give_up_phase("Zoho is down.").step == run.step


def a_page(*contacts: Contact, rejected: int) -> Page[Contact]:
    return Page(contacts, (Rejected(None, "contact_id is missing"),) * rejected, True, MODIFIED_AT)


@pytest.mark.parametrize(
    ("phase", "unread", "sentence"),
    [
        (
            Phase.CONTACTS,
            CUSTOMER,
            "Zoho's contacts could not be understood: all 24 rows of a page were rejected.",
        ),
        (
            Phase.INVOICES,
            INVOICE,
            "Zoho's invoices could not be understood: all 24 rows of a page were rejected.",
        ),
    ],
)
def test_a_completely_rejected_page_degrades_the_run_with_a_single_reason(
    phase: Phase, unread: Entity, sentence: str
) -> None:
    run = a_run(phase).having_read(a_page(rejected=24)).having_read(a_page(rejected=30))
    assert run.degraded_reason == sentence
    assert run.position.lists == {unread: ListRead(is_unread=True)}
    assert run.phase is phase


@pytest.mark.parametrize(
    "page",
    [a_page(rejected=0), a_page(a_contact(), rejected=24), a_page(rejected=ODD_ROWS)],
    ids=["empty", "a row read", "a few odd ones"],
)
def test_any_other_page_does_not_change_the_run(page: Page[Contact]) -> None:
    run = a_run()
    assert run.having_read(page) == run


@pytest.mark.parametrize(
    ("degraded_reason", "status"),
    [(None, RunStatus.SUCCEEDED), ("Invoices are not complete.", RunStatus.DEGRADED)],
)
def test_a_run_ends_with_its_verdict(degraded_reason: str | None, status: RunStatus) -> None:
    ended = a_run(Phase.REMINDERS, degraded_reason=degraded_reason).finished()
    assert (ended.phase, ended.status, ended.degraded_reason) == (Phase.DONE, status, degraded_reason)


@pytest.mark.parametrize("status", RunStatus)
def test_only_a_running_run_goes_on(status: RunStatus) -> None:
    assert status.is_final == (status is not RunStatus.RUNNING)


@pytest.mark.parametrize(("attempts", "is_last"), [(1, False), (MAX_ATTEMPTS - 1, False), (MAX_ATTEMPTS, True)])
def test_the_last_attempt_is_recognised(attempts: int, is_last: bool) -> None:
    assert a_run(attempts=attempts).is_last_attempt is is_last


def test_the_delay_doubles_up_to_a_minute() -> None:
    waits = [retry_seconds(attempts, jitter=0.5) for attempts in range(1, 9)]
    assert waits == [FIRST_RETRY_SECONDS, 2, 4, 8, 16, 32, LONGEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS]


@given(st.integers(1, MAX_ATTEMPTS), st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_the_delay_by_a_quarter(attempts: int, jitter: float) -> None:
    middle = retry_seconds(attempts, jitter=0.5)
    assert 0.75 * middle <= retry_seconds(attempts, jitter) <= 1.25 * middle
