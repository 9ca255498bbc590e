"""Promises of db/invoices.py: it writes rows that differ and are not older, and changes nothing else."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.invoices import Invoice
from domain.observed import Observed
from tests.builders import MODIFIED_AT, an_invoice
from tests.integration.db.caching import A_MINUTE, NOW, OBSERVED_AT, ORDERS, VERSIONS, cache_customer
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.invoicing import cached, cached_ids, upsert
from tests.integration.db.look import change, row, rows, until_somebody_waits
from workers.services.cache_invoices import CachedInvoices, cache_invoices


class TestWhatIsWritten:
    def test_a_new_invoice_refers_to_its_customer(self, engine: Engine, home: Connection) -> None:
        assert upsert(engine, home, an_invoice()) == CachedInvoices(new=1)
        found, customer = cached(engine), row(engine, "SELECT id FROM booksync.customers_cache")
        assert (found["customer_id"], found["zoho_customer_id"]) == (customer["id"], "5001")
        assert (found["user_id"], found["connection_id"]) == (home.user_id, home.connection_id)
        assert (found["invoice_number"], found["status"], found["currency_code"]) == ("INV-8001", "sent", "GBP")
        assert (found["date"], found["due_date"]) == (dt.date(2026, 3, 2), dt.date(2026, 4, 1))
        assert (found["zoho_last_modified_at"], found["observed_at"]) == (MODIFIED_AT, OBSERVED_AT)
        assert (found["plan_at"], found["plan_outcome"]) == (NOW, None)

    @pytest.mark.parametrize(
        "amount",
        [
            "0.1",
            "0.10",
            "120",
            "1234567890123456.789",
            "0.00000000000000000001",
            "-5.25",
            "1e3",
            "99999999999999999999",
            "-0.00",
            "12345678901234567890.12345678901234567890",
        ],
    )
    def test_amounts_are_exact(self, engine: Engine, home: Connection, amount: str) -> None:
        upsert(engine, home, an_invoice(total=amount, balance=amount))
        assert (cached(engine)["total"], cached(engine)["balance"]) == (Decimal(amount), Decimal(amount))
        assert upsert(engine, home, an_invoice(total=amount, balance=amount)) == CachedInvoices()

    def test_amounts_of_every_form_fit_in_one_page(self, engine: Engine, home: Connection) -> None:
        amounts = [None, "1", "0.5", "100000000000000000000", "-3.25", None, "1e-20"]
        page = [an_invoice(str(number), balance=amount) for number, amount in enumerate(amounts)]
        upsert(engine, home, *page)
        balances = {
            found["zoho_invoice_id"]: found["balance"] for found in rows(engine, "SELECT * FROM invoices_cache")
        }
        assert balances == {str(number): amount and Decimal(amount) for number, amount in enumerate(amounts)}

    def test_keys_that_zoho_omits_are_null(self, engine: Engine, home: Connection) -> None:
        bare = an_invoice(date=None, due_date=None, total=None, balance=None, modified_at=None)
        assert upsert(engine, home, bare) == CachedInvoices(new=1)
        found = cached(engine)
        assert {found[name] for name in ("date", "due_date", "total", "balance", "zoho_last_modified_at")} == {None}

    def test_new_updated_and_unchanged_are_counted_exactly(self, engine: Engine, home: Connection) -> None:
        ids = [str(8000 + number) for number in range(10)]
        assert upsert(engine, home, *map(an_invoice, ids)) == CachedInvoices(new=10)
        paid = [an_invoice(each, status="paid", balance="0") for each in ids[:3]]
        page = [*paid, *map(an_invoice, ids[3:]), an_invoice("9001")]
        assert upsert(engine, home, *page) == CachedInvoices(new=1, updated=3)

    def test_an_unchanged_row_is_not_written(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, an_invoice())
        before = cached(engine)
        assert upsert(engine, home, an_invoice(), observed_at=OBSERVED_AT + A_MINUTE) == CachedInvoices()
        assert cached(engine) == before

    def test_the_same_amount_in_another_notation_is_unchanged(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, an_invoice(balance="120"))
        assert upsert(engine, home, an_invoice(balance="120.00")) == CachedInvoices()

    @pytest.mark.parametrize(
        ("changed", "column", "value"),
        [
            (an_invoice(status="overdue"), "status", "overdue"),
            (an_invoice(balance="20"), "balance", Decimal(20)),
            (an_invoice(due_date=dt.date(2026, 5, 1)), "due_date", dt.date(2026, 5, 1)),
            (an_invoice(number="INV-1"), "invoice_number", "INV-1"),
            (an_invoice(modified_at=MODIFIED_AT + A_MINUTE), "zoho_last_modified_at", MODIFIED_AT + A_MINUTE),
        ],
    )
    def test_a_changed_invoice_is_due_for_planning(
        self, engine: Engine, home: Connection, changed: Invoice, column: str, value: object
    ) -> None:
        upsert(engine, home, an_invoice())
        change(engine, "UPDATE invoices_cache SET plan_at = NULL")
        assert upsert(engine, home, changed) == CachedInvoices(updated=1)
        assert (cached(engine)[column], cached(engine)["plan_at"]) == (value, NOW)

    def test_an_invoice_may_move_to_another_customer(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, an_invoice())
        cache_customer(engine, home, "5002")
        assert upsert(engine, home, an_invoice(customer_id="5002")) == CachedInvoices(updated=1)
        customer = row(engine, "SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = '5002'")
        assert cached(engine)["customer_id"] == customer["id"]

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_the_newest_version_counts_if_an_invoice_is_on_a_page_twice(
        self, engine: Engine, home: Connection, newest_first: bool
    ) -> None:
        page = [an_invoice(status="sent"), an_invoice(status="paid", modified_at=MODIFIED_AT + A_MINUTE)]
        assert upsert(engine, home, *(reversed(page) if newest_first else page)) == CachedInvoices(new=1)
        assert cached(engine)["status"] == "paid"

    def test_an_empty_page_does_nothing(self, engine: Engine, home: Connection) -> None:
        assert upsert(engine, home) == CachedInvoices()

    def test_odd_texts_are_stored_exactly(self, engine: Engine, home: Connection) -> None:
        odd = 'INV-"{1,2}" \\ %s :name Ünï 株 🏦'
        upsert(engine, home, an_invoice(number=odd))
        assert cached(engine)["invoice_number"] == odd


class TestDetails:
    """List rows and detail responses omit different keys."""

    LISTED = an_invoice(ach_payment_initiated=False, unprocessed_payment="0", sub_status="")

    def test_a_missing_key_changes_nothing(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, self.LISTED)
        assert upsert(engine, home, replace(an_invoice(), has_details=True)) == CachedInvoices()
        assert upsert(engine, home, self.LISTED) == CachedInvoices()

    def test_the_first_read_of_the_switch_is_not_an_update(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, self.LISTED)
        assert upsert(engine, home, replace(an_invoice(reminders_enabled=False), has_details=True)) == CachedInvoices()
        assert cached(engine)["payment_reminder_enabled"] is False
        turned = replace(an_invoice(reminders_enabled=True), has_details=True)
        assert upsert(engine, home, turned) == CachedInvoices(updated=1)

    def test_a_missing_fact_no_longer_holds(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, replace(self.LISTED, sub_status="cs_in_dispute"))
        assert upsert(engine, home, an_invoice()) == CachedInvoices()
        assert cached(engine)["sub_status"] == "cs_in_dispute"
        assert upsert(engine, home, replace(an_invoice(), has_details=True)) == CachedInvoices(updated=1)
        assert not cached(engine)["sub_status"]


class TestWhatSomebodyElseHasWritten:
    """The columns of a row do not match its hash."""

    @pytest.mark.parametrize(
        ("column", "written"),
        [
            ("zoho_customer_id", "'5002'"),
            ("invoice_number", "NULL"),
            ("status", "'paid'"),
            ("date", "NULL"),
            ("due_date", "due_date + 1"),
            ("expected_payment_date", "'2026-05-01'"),
            ("total", "total + 0.000000001"),
            ("balance", "0"),
            ("balance", "'NaN'"),
            ("balance", "NULL"),
            ("currency_code", "'gbp'"),
        ],
    )
    def test_the_next_read_overwrites_foreign_changes_once_and_plans(
        self, engine: Engine, home: Connection, column: str, written: str
    ) -> None:
        upsert(engine, home, an_invoice())
        before = cached(engine)[column]
        change(engine, f"UPDATE invoices_cache SET {column} = {written}, plan_at = NULL")
        assert upsert(engine, home, an_invoice(), observed_at=OBSERVED_AT + A_MINUTE) == CachedInvoices(updated=1)
        assert (cached(engine)[column], cached(engine)["plan_at"]) == (before, NOW)
        assert upsert(engine, home, an_invoice(), observed_at=OBSERVED_AT + A_MINUTE) == CachedInvoices()

    def test_an_older_read_does_not_overwrite_foreign_changes(self, engine: Engine, home: Connection) -> None:
        upsert(engine, home, an_invoice())
        change(engine, "UPDATE invoices_cache SET balance = 0")
        assert upsert(engine, home, an_invoice(), observed_at=OBSERVED_AT - A_MINUTE) == CachedInvoices()
        assert cached(engine)["balance"] == 0


def version(number: int) -> tuple[Invoice, dt.datetime]:
    modified_at, observed_at = VERSIONS[number]
    return an_invoice(number=f"Version {number}", modified_at=modified_at), observed_at


class TestTheGate:
    @pytest.mark.parametrize(("first", "second"), ORDERS)
    def test_the_newer_of_two_responses_stays_in_any_order(
        self, engine: Engine, home: Connection, first: int, second: int
    ) -> None:
        for number in (first, second):
            invoice, observed_at = version(number)
            upsert(engine, home, invoice, observed_at=observed_at)
        assert cached(engine)["invoice_number"] == f"Version {max(first, second)}"

    @pytest.mark.parametrize(("first", "second"), ORDERS)
    def test_the_newer_of_two_responses_waits_in_any_order(
        self, engine: Engine, connection: Connection, first: int, second: int
    ) -> None:
        for number in (first, second):
            invoice, observed_at = version(number)
            upsert(engine, connection, invoice, observed_at=observed_at)
        cache_customer(engine, connection)
        assert cached(engine)["invoice_number"] == f"Version {max(first, second)}"

    @pytest.mark.parametrize("newer_is_first", [False, True])
    def test_the_newer_version_of_two_concurrent_writers_is_never_lost(
        self, engine: Engine, home: Connection, newer_is_first: bool
    ) -> None:
        older, newer = an_invoice(status="sent"), an_invoice(status="paid", modified_at=MODIFIED_AT + A_MINUTE)
        first, second = (newer, older) if newer_is_first else (older, newer)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as db:
                cache_invoices(db, home, [Observed(first, OBSERVED_AT)], now=NOW)
                other = threads.submit(upsert, engine, home, second)
                until_somebody_waits(engine)
            assert other.result() == (CachedInvoices() if newer_is_first else CachedInvoices(updated=1))
        assert cached(engine)["status"] == "paid"

    def test_pages_in_any_order_never_deadlock(self, engine: Engine, home: Connection) -> None:
        def write(number: int, ids: Sequence[int]) -> None:
            upsert(engine, home, *(an_invoice(str(each), number=f"{number}") for each in ids))

        ids = range(8000, 8100)
        for _ in ("new", "cached"):
            with ThreadPoolExecutor(4) as threads:
                for done in [threads.submit(write, n, ids if n % 2 else ids[::-1]) for n in range(4)]:
                    done.result()
        assert len(cached_ids(engine)) == 100


class TestAnotherConnection:
    def test_an_invoice_of_another_connection_is_unchanged(self, engine: Engine, home: Connection) -> None:
        other = a_connection(engine, user_id=home.user_id, organization_id="20234695")
        cache_customer(engine, other, "6001")
        upsert(engine, other, an_invoice(customer_id="6001"))
        before = cached(engine)
        assert upsert(engine, home, an_invoice(modified_at=MODIFIED_AT + A_MINUTE)) == CachedInvoices()
        assert cached(engine) == before

    def test_another_user_has_separate_rows(self, engine: Engine, home: Connection) -> None:
        theirs = a_connection(engine)
        cache_customer(engine, theirs)
        upsert(engine, theirs, an_invoice())
        assert upsert(engine, home, an_invoice()) == CachedInvoices(new=1)
