"""Which reads prove an untimed event of a flood: those not older than the event's change, on any two clocks."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from db import floods
from db.connections import Connection
from db.session import Session
from domain.entities import Entity, entities

A_SECOND = dt.timedelta(seconds=1)
#: The start of a case on Zoho's clock.
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def whole_seconds(moment: dt.datetime) -> dt.datetime:
    """The moment in the resolution of a Date header."""
    return moment.replace(microsecond=0)


@dataclass(frozen=True)
class Case:
    """Moments on Zoho's clock, and the lead of Postgres's clock."""

    read_at: dt.datetime  #: the time of the cached read
    changed_at: dt.datetime
    received_at: dt.datetime  #: the event about the change
    asked_at: dt.datetime  #: right before the walk's first call
    responded_at: dt.datetime  #: the first call's response
    ahead: dt.timedelta


#: A cached record with one waiting untimed event.
_WAITING = (
    """
    INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, status, observed_at)
    VALUES (:user_id, :connection_id, '1', 'active', :read_at)
    """,
    """
    INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id, customer_id, status, observed_at)
    SELECT user_id, connection_id, '1', id, 'sent', observed_at FROM booksync.customers_cache
    """,
    """
    INSERT INTO booksync.refreshes (connection_id, entity, record_id, received, waiting_since, not_before)
    VALUES (:connection_id, :entity, '1', 1, :received_at, :received_at)
    """,
    """
    INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind, received_at)
    VALUES (:connection_id, :entity, '1', 1, 'changed', :received_at)
    """,
)


_REJECTED = """
    INSERT INTO booksync.rejected_records (connection_id, kind, record_id, reason, last_seen_at)
    VALUES (:connection_id, :entity, '1', 'an odd row', :rejected_at)
"""


def completes(
    db: Session,
    connection: Connection,
    entity: Entity,
    case: Case,
    *,
    covers_all: bool = False,
    rejected_at: dt.datetime | None = None,
) -> bool:
    """Whether the walk completes the event because of the cached read, or, with `covers_all`, as a full run.

    At `rejected_at` on Zoho's clock a list had a row of the record that was rejected.
    """
    values = {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "entity": entity.name,
        "read_at": whole_seconds(case.read_at),
        "received_at": case.received_at + case.ahead,
    }
    for statement in _WAITING:
        db.execute(text(statement), values)
    if rejected_at is not None:
        db.execute(text(_REJECTED), values | {"rejected_at": rejected_at + case.ahead})
    completed = floods.complete(
        db,
        connection,
        entity,
        asked_at=case.asked_at + case.ahead,
        read_since=whole_seconds(case.responded_at),
        covers_all=covers_all,
    )
    db.rollback()
    return completed.events == 1


_DELAYS = st.integers(0, 3_000).map(lambda milliseconds: dt.timedelta(milliseconds=milliseconds))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    changed_at = NOON + draw(_DELAYS)
    received_at = changed_at + draw(_DELAYS)
    asked_at = received_at + draw(_DELAYS) + dt.timedelta(milliseconds=1)
    responded_at = asked_at + draw(_DELAYS)
    ahead = draw(st.sampled_from([-1, 0, 1])) * dt.timedelta(minutes=7, milliseconds=draw(st.integers(0, 999)))
    return Case(NOON + draw(_DELAYS) + draw(_DELAYS), changed_at, received_at, asked_at, responded_at, ahead)


@pytest.mark.parametrize("entity", entities())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(cases())
def test_a_read_from_before_the_change_completes_no_event(
    engine: Engine, connection: Connection, entity: Entity, case: Case
) -> None:
    with engine.connect() as db:
        if completes(db, connection, entity, case):
            assert case.read_at >= case.changed_at


@pytest.mark.parametrize("entity", entities())
def test_a_read_in_the_second_of_the_event_and_of_the_walks_start_proves_nothing(
    engine: Engine, connection: Connection, entity: Entity
) -> None:
    a_tenth = A_SECOND / 10
    case = Case(NOON, NOON + a_tenth, NOON + 2 * a_tenth, NOON + 3 * a_tenth, NOON + 4 * a_tenth, dt.timedelta())
    with engine.connect() as db:
        assert not completes(db, connection, entity, case)


@pytest.mark.parametrize("entity", entities())
def test_a_walks_first_page_proves_an_event_that_came_a_second_before(
    engine: Engine, connection: Connection, entity: Entity
) -> None:
    asked_at = NOON + A_SECOND
    case = Case(asked_at, NOON, NOON, asked_at, asked_at, dt.timedelta())
    with engine.connect() as db:
        assert completes(db, connection, entity, case)


@pytest.mark.parametrize("entity", entities())
@pytest.mark.parametrize(("rejected_after", "is_completed"), [(None, True), (-A_SECOND, True), (A_SECOND, False)])
def test_a_full_run_completes_all_events_except_those_of_rows_that_it_has_rejected(
    engine: Engine, connection: Connection, entity: Entity, rejected_after: dt.timedelta | None, is_completed: bool
) -> None:
    asked_at = NOON + A_SECOND
    case = Case(NOON - A_SECOND, NOON, NOON, asked_at, asked_at, dt.timedelta())
    rejected_at = None if rejected_after is None else asked_at + rejected_after
    with engine.connect() as db:
        found = completes(db, connection, entity, case, covers_all=True, rejected_at=rejected_at)
        assert found is is_completed
