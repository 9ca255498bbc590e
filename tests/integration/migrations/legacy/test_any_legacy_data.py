"""With any content of the legacy tables, an upgrade accounts for every value, and a downgrade restores every row."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, legacy_rows, opened
from tests.integration.migrations.legacy import dirt
from tests.integration.migrations.legacy.dirt import LegacyInvoice
from tests.integration.migrations.states import LEGACY, States

_COLUMNS = ("customer_name", "customer_phone", "customer_country_code", "customer_timezone")

#: A fifth of the usual number, because an example takes seconds.
_EXAMPLES = settings().max_examples // 5

Row = dict[str, Any]


@settings(max_examples=_EXAMPLES)
@given(invoices=dirt.INVOICES)
def test_an_upgrade_through_all_phases_and_a_downgrade_lose_nothing(
    invoices: list[LegacyInvoice], states: States
) -> None:
    with states.copy(LEGACY) as url, opened(url) as database:
        dirt.write(database, invoices)
        before = legacy_rows(database)

        for phase in (Target.PHASE1, Target.PHASE2, Target.PHASE3):
            migrate(url, phase)

        assert_all_is_accounted_for(database, invoices)
        migrate(url, Target.LEGACY)
        assert legacy_rows(database) == before


@pytest.mark.slow
@settings(max_examples=_EXAMPLES)
@given(invoices=dirt.INVOICES, rewrites=dirt.REWRITES)
def test_writes_of_the_legacy_application_in_phase2_are_recorded_and_restored(
    invoices: list[LegacyInvoice],
    rewrites: list[tuple[int, str | None, tuple[str | None, ...]]],
    states: States,
) -> None:
    last = {invoice.id: (invoice.customer, *invoice.copy) for invoice in invoices}
    with states.copy(LEGACY) as url, opened(url) as database:
        dirt.write(database, invoices)
        migrate(url, Target.PHASE2)
        customers = database.all_of("customers_cache")

        for number, customer, copy in rewrites:
            invoice = invoices[number % len(invoices)]
            dirt.rewrite(database, invoice, customer, copy)
            last[invoice.id] = (customer, *copy)

        known = {row["id"] for row in customers}
        assert [row for row in database.all_of("customers_cache") if row["id"] in known] == customers
        migrate(url, Target.PHASE3)
        for invoice in invoices:
            told = database.rows(
                "SELECT legacy FROM migration_receipt WHERE table_name = 'invoices_cache' AND row_id = %s ORDER BY id",
                invoice.id,
            )
            assert tuple(told[-1]["legacy"][column] for column in _COLUMNS) == last[invoice.id][1:]
        migrate(url, Target.LEGACY)
        columns = ", ".join(("zoho_customer_id", *_COLUMNS))
        found = {
            row.pop("id"): tuple(row.values()) for row in database.rows(f"SELECT id, {columns} FROM invoices_cache")
        }
        assert found == last


def assert_all_is_accounted_for(database: Database, invoices: list[LegacyInvoice]) -> None:
    won = {makers[0].id: makers for makers in by_customer(invoices)}
    customers = {row["id"]: row for row in database.rows("SELECT * FROM customers_cache")}
    assert len(customers) == len(won)
    for invoice in invoices:
        # The newest receipt contains the copy, value by value, and its customer.
        (receipt, *_) = database.rows(
            "SELECT * FROM migration_receipt WHERE table_name = 'invoices_cache' AND row_id = %s ORDER BY id DESC",
            invoice.id,
        )
        assert tuple(receipt["legacy"][column] for column in _COLUMNS) == invoice.copy
        assert (receipt["outcome"] == "quarantined") == (not invoice.is_linkable)
        if not invoice.is_linkable:
            assert receipt["reason"]
            assert receipt["legacy"]["zoho_customer_id"] == invoice.customer
            continue
        customer = customers[receipt["customer_id"]]
        copies = won[receipt["won_by"]]
        assert invoice in copies
        assert customer["zoho_customer_id"] == invoice.zoho_id
        name = invoice.copy[0]
        assert ("customer_name" in receipt["merged"]) == (name is not None and name != customer["customer_name"])
        named = next((copy for copy in copies if (copy.copy[0] or "").strip(dirt.BLANKS)), None)
        assert customer["customer_name"] == (named.copy[0] if named else "")
        assert receipt["winners"].get("customer_name", str(receipt["won_by"])) == str((named or copies[0]).id)
        assert_the_phone_is_the_winners(customer, receipt, copies)


def assert_the_phone_is_the_winners(customer: Row, receipt: Row, copies: list[LegacyInvoice]) -> None:
    phones = {str(copy.id): text for copy in copies if (text := (copy.copy[1] or "").strip(dirt.BLANKS))}
    assert (customer["primary_phone"] is None) == (not phones)
    if phones:
        winner = receipt["winners"].get("customer_phone", str(receipt["won_by"]))
        assert customer["phone_verdict"] == {"raw": phones[winner]}
        # Without a valid number the newest text counts.
        assert customer["phone_problem"] is None or winner == next(iter(phones))


def by_customer(invoices: list[LegacyInvoice]) -> Iterator[list[LegacyInvoice]]:
    """Each customer's invoices, the last written first."""
    linkable = sorted(
        (invoice for invoice in invoices if invoice.is_linkable), key=lambda each: (each.owner, each.zoho_id)
    )
    for _, copies in groupby(linkable, key=lambda each: (each.owner, each.zoho_id)):
        yield sorted(
            copies,
            key=lambda each: (
                -each.updated_at.timestamp(),
                -each.modified_at.timestamp() if each.modified_at else float("inf"),
                each.id,
            ),
        )
