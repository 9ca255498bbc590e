"""Promises of the daily reserve: webhooks do not use the share of other integrations, and a person may use it."""

import pytest

from db import connections
from domain.entities import CUSTOMER, INVOICE
from domain.runs import Mode
from tests.integration.webhooks.hooks import Hooks, a_contact_id, an_invoice_id
from workers.services.connect import connect_organization

pytestmark = pytest.mark.slow

#: The remaining calls of a day's 1,000: fewer than the reserve of a tenth.
LEFT = 80


def leave_less_than_the_reserve(hooks: Hooks) -> None:
    """Simulates calls of another integration, of which the budget learns from a response."""
    zoho = hooks.bench.zoho
    zoho.set_limits(requests_per_day=1_000)
    hooks.bench.sync(Mode.FULL)
    used = zoho.stats().count()
    zoho.set_limits(requests_per_day=1_000, spend_day=1_000 - LEFT - used)
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    hooks.take(CUSTOMER, a_contact_id(hooks))
    hooks.messages()
    zoho.reset_stats()


def test_a_webhook_does_not_use_the_daily_reserve(hooks: Hooks) -> None:
    leave_less_than_the_reserve(hooks)
    hooks.tell(INVOICE, an_invoice_id(hooks))
    hooks.take(INVOICE, an_invoice_id(hooks))
    (row,) = hooks.bench.rows("SELECT waiting_for, attempts FROM booksync.refreshes WHERE received > handled")
    assert (hooks.calls(INVOICE), row) == (0, {"waiting_for": "API budget (day)", "attempts": 0})


def test_a_person_who_connects_may_use_the_daily_reserve(hooks: Hooks) -> None:
    leave_less_than_the_reserve(hooks)
    bench = hooks.bench
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, bench.connection_id)
    linked = connect_organization(
        bench.resources,
        user_id=connection.user_id,
        organization_id=connection.organization_id,
        data_center="com",
        grant_code=bench.zoho.grant_code(),
    )
    assert linked.connection_id == bench.connection_id
