"""A policy narrows the zones of a number for the number's own country, in the plan and at the handover alike."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db import plan_cases, reminder_policies
from db.connections import Connection
from domain.reminders.clocks import calling_hours_of
from domain.reminders.hand_over import HoldReason
from domain.reminders.policy import ReminderPolicy
from tests.integration.db.look import change, row
from tests.integration.db.reminding import DUE_AT, held_back, tell_and_plan

#: At the moment of the handover India's offices are open, and Sydney's are closed.
POLICY = ReminderPolicy(zones={"IN": ("Asia/Kolkata",), "AU": ("Australia/Sydney",)})


@pytest.mark.parametrize(
    ("kind", "region", "address", "is_open"),
    [
        ("mobile", "IN", None, True),
        # An address in another country says nothing about the number.
        ("mobile", "IN", "AU", True),
        ("mobile", "AU", "IN", False),
        ("fixed_line", "IN", "AU", True),
        ("fixed_line_or_mobile", "AU", "IN", False),
        # A number without a place may ring where the customer is.
        ("toll_free", "IN", "AU", False),
        ("toll_free", "AU", "IN", True),
        ("toll_free", "IN", None, True),
        # A verdict of an earlier release may have neither.
        (None, None, "IN", True),
    ],
)
def test_the_zones_of_the_numbers_country_count(
    engine: Engine, connection: Connection, kind: str | None, region: str | None, address: str | None, is_open: bool
) -> None:
    tell_and_plan(engine, connection)
    change(
        engine,
        """
        UPDATE booksync.customers_cache
           SET time_zones = ARRAY['Asia/Kolkata', 'Australia/Sydney'], country_code = :address,
               phone_verdict = phone_verdict
                               || jsonb_build_object('kind', CAST(:kind AS text), 'region', CAST(:region AS text))
        """,
        kind=kind,
        region=region,
        address=address,
    )
    with engine.begin() as db:
        reminder_policies.save(db, connection.connection_id, POLICY, now=DUE_AT + dt.timedelta(days=1))
        found = plan_cases.customer(db, row(engine, "SELECT id FROM booksync.customers_cache")["id"])
    assert found is not None
    assert calling_hours_of(found, POLICY, connection.time_zone).contains(DUE_AT) is is_open
    assert held_back(engine) == [None if is_open else HoldReason.OUTSIDE_HOURS]
