"""Promises of db/invoices.py: what differs and is not older is written, what lacks its customer waits for it."""

import datetime as dt
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from db import customers, deletions, invoices, runs, skipped_invoices
from db.connections import Link
from db.invoices import Upserted
from db.skipped_invoices import ObservedInvoice
from db.staging import Observed
from domain.deletions import RecordKind
from domain.invoices import Invoice
from domain.phones import PhoneFallback
from domain.runs import Mode
from tests.builders import MODIFIED_AT, a_contact, an_invoice
from tests.integration.db.links import a_link
from tests.integration.db.look import Row, change, row, rows, until_somebody_waits

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
OBSERVED_AT = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)


def cache_customer(
    engine: Engine, link: Link, *contact_ids: str, observed_at: dt.datetime = OBSERVED_AT
) -> customers.Upserted:
    batch = [Observed(a_contact(contact_id), observed_at) for contact_id in contact_ids or ("5001",)]
    with engine.begin() as connection:
        return customers.upsert(connection, link, batch, fallback=PhoneFallback.NONE, now=NOW)


@pytest.fixture
def home(engine: Engine, link: Link) -> Link:
    """A connection with one cached customer."""
    cache_customer(engine, link)
    return link


def upsert(engine: Engine, link: Link, *found: Invoice, observed_at: dt.datetime = OBSERVED_AT) -> Upserted:
    with engine.begin() as connection:
        batch = [ObservedInvoice(invoice, observed_at) for invoice in found]
        return invoices.upsert(connection, link, batch, now=NOW)


def unknown_customers(engine: Engine, link: Link, limit: int = 20) -> list[str]:
    with engine.connect() as connection:
        return skipped_invoices.unknown_customers(connection, link, limit)


def cached(engine: Engine, invoice_id: str = "8001") -> Row:
    return row(engine, "SELECT * FROM invoices_cache WHERE zoho_invoice_id = :id", id=invoice_id)


def cached_ids(engine: Engine) -> set[str]:
    return {found["zoho_invoice_id"] for found in rows(engine, "SELECT zoho_invoice_id FROM invoices_cache")}


def skipped(engine: Engine) -> dict[str, str]:
    """Id and reason of each invoice that waits."""
    found = rows(engine, "SELECT zoho_invoice_id, reason FROM skipped_invoices")
    return {each["zoho_invoice_id"]: each["reason"] for each in found}


class TestWhatIsWritten:
    def test_a_new_invoice_is_linked_to_its_customer(self, engine: Engine, home: Link) -> None:
        assert upsert(engine, home, an_invoice()) == Upserted(new=1)
        found, customer = cached(engine), row(engine, "SELECT id FROM customers_cache")
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
        ],
    )
    def test_amounts_are_exact(self, engine: Engine, home: Link, amount: str) -> None:
        upsert(engine, home, an_invoice(total=amount, balance=amount))
        assert (cached(engine)["total"], cached(engine)["balance"]) == (Decimal(amount), Decimal(amount))

    def test_amounts_of_every_form_fit_in_one_page(self, engine: Engine, home: Link) -> None:
        amounts = [None, "1", "0.5", "100000000000000000000", "-3.25", None, "1e-20"]
        page = [an_invoice(str(number), balance=amount) for number, amount in enumerate(amounts)]
        upsert(engine, home, *page)
        balances = {
            found["zoho_invoice_id"]: found["balance"] for found in rows(engine, "SELECT * FROM invoices_cache")
        }
        assert balances == {str(number): amount and Decimal(amount) for number, amount in enumerate(amounts)}

    def test_what_zoho_leaves_out_is_null(self, engine: Engine, home: Link) -> None:
        bare = an_invoice(date=None, due_date=None, total=None, balance=None, modified_at=None)
        assert upsert(engine, home, bare) == Upserted(new=1)
        found = cached(engine)
        assert {found[name] for name in ("date", "due_date", "total", "balance", "zoho_last_modified_at")} == {None}

    def test_new_updated_and_unchanged_are_counted_exactly(self, engine: Engine, home: Link) -> None:
        ids = [str(8000 + number) for number in range(10)]
        assert upsert(engine, home, *map(an_invoice, ids)) == Upserted(new=10)
        paid = [an_invoice(each, status="paid", balance="0") for each in ids[:3]]
        page = [*paid, *map(an_invoice, ids[3:]), an_invoice("9001")]
        assert upsert(engine, home, *page) == Upserted(new=1, updated=3)

    def test_an_unchanged_row_is_not_written(self, engine: Engine, home: Link) -> None:
        upsert(engine, home, an_invoice())
        before = cached(engine)
        assert upsert(engine, home, an_invoice(), observed_at=OBSERVED_AT + A_MINUTE) == Upserted()
        assert cached(engine) == before

    def test_the_same_amount_written_otherwise_is_unchanged(self, engine: Engine, home: Link) -> None:
        upsert(engine, home, an_invoice(balance="120"))
        assert upsert(engine, home, an_invoice(balance="120.00")) == Upserted()

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
        self, engine: Engine, home: Link, changed: Invoice, column: str, value: object
    ) -> None:
        upsert(engine, home, an_invoice())
        change(engine, "UPDATE invoices_cache SET plan_at = NULL")
        assert upsert(engine, home, changed) == Upserted(updated=1)
        assert (cached(engine)[column], cached(engine)["plan_at"]) == (value, NOW)

    def test_an_invoice_may_move_to_another_customer(self, engine: Engine, home: Link) -> None:
        upsert(engine, home, an_invoice())
        cache_customer(engine, home, "5002")
        assert upsert(engine, home, an_invoice(customer_id="5002")) == Upserted(updated=1)
        customer = row(engine, "SELECT id FROM customers_cache WHERE zoho_customer_id = '5002'")
        assert cached(engine)["customer_id"] == customer["id"]

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_of_one_invoice_twice_on_a_page_the_newest_counts(
        self, engine: Engine, home: Link, newest_first: bool
    ) -> None:
        page = [an_invoice(status="sent"), an_invoice(status="paid", modified_at=MODIFIED_AT + A_MINUTE)]
        assert upsert(engine, home, *(reversed(page) if newest_first else page)) == Upserted(new=1)
        assert cached(engine)["status"] == "paid"

    def test_an_empty_page_does_nothing(self, engine: Engine, home: Link) -> None:
        assert upsert(engine, home) == Upserted()

    def test_odd_texts_come_back_as_they_are(self, engine: Engine, home: Link) -> None:
        odd = 'INV-"{1,2}" \\ %s :name Ünï 株 🏦'
        upsert(engine, home, an_invoice(number=odd))
        assert cached(engine)["invoice_number"] == odd


#: Versions of one invoice, (modified, observed), ascending. An unknown modified time is the oldest.
VERSIONS = [
    (None, OBSERVED_AT),
    (None, OBSERVED_AT + A_MINUTE),
    (MODIFIED_AT, OBSERVED_AT),
    (MODIFIED_AT, OBSERVED_AT + A_MINUTE),
    (MODIFIED_AT + A_MINUTE, OBSERVED_AT - A_MINUTE),
    (MODIFIED_AT + A_MINUTE, OBSERVED_AT),
]


def version(number: int) -> tuple[Invoice, dt.datetime]:
    modified_at, observed_at = VERSIONS[number]
    return an_invoice(number=f"Version {number}", modified_at=modified_at), observed_at


ORDERS: Sequence[tuple[int, int]] = [*itertools.permutations(range(len(VERSIONS)), 2)]


class TestTheGate:
    @pytest.mark.parametrize(("first", "second"), ORDERS)
    def test_of_two_answers_the_newer_stays_whichever_comes_first(
        self, engine: Engine, home: Link, first: int, second: int
    ) -> None:
        for number in (first, second):
            invoice, observed_at = version(number)
            upsert(engine, home, invoice, observed_at=observed_at)
        assert cached(engine)["invoice_number"] == f"Version {max(first, second)}"

    @pytest.mark.parametrize(("first", "second"), ORDERS)
    def test_of_two_answers_the_newer_waits_whichever_comes_first(
        self, engine: Engine, link: Link, first: int, second: int
    ) -> None:
        for number in (first, second):
            invoice, observed_at = version(number)
            upsert(engine, link, invoice, observed_at=observed_at)
        cache_customer(engine, link)
        assert cached(engine)["invoice_number"] == f"Version {max(first, second)}"

    @pytest.mark.parametrize("newer_is_first", [False, True])
    def test_of_two_writers_at_once_the_newer_is_never_lost(
        self, engine: Engine, home: Link, newer_is_first: bool
    ) -> None:
        older, newer = an_invoice(status="sent"), an_invoice(status="paid", modified_at=MODIFIED_AT + A_MINUTE)
        first, second = (newer, older) if newer_is_first else (older, newer)
        with ThreadPoolExecutor(1) as threads:
            with engine.begin() as connection:
                invoices.upsert(connection, home, [ObservedInvoice(first, OBSERVED_AT)], now=NOW)
                other = threads.submit(upsert, engine, home, second)
                until_somebody_waits(engine)
            assert other.result() == (Upserted() if newer_is_first else Upserted(updated=1))
        assert cached(engine)["status"] == "paid"

    def test_pages_in_any_order_never_wait_crosswise(self, engine: Engine, home: Link) -> None:
        def write(number: int, ids: Sequence[int]) -> None:
            upsert(engine, home, *(an_invoice(str(each), number=f"{number}") for each in ids))

        ids = range(8000, 8100)
        for _ in ("new", "cached"):
            with ThreadPoolExecutor(4) as threads:
                for done in [threads.submit(write, n, ids if n % 2 else ids[::-1]) for n in range(4)]:
                    done.result()
        assert len(cached_ids(engine)) == 100


class TestInvoicesThatWait:
    def test_an_unknown_customer_makes_an_invoice_wait(self, engine: Engine, home: Link) -> None:
        page = [an_invoice("8001"), an_invoice("8002", customer_id="5002"), an_invoice("8003", customer_id="")]
        assert upsert(engine, home, *page) == Upserted(new=1)
        assert cached_ids(engine) == {"8001"}
        assert skipped(engine) == {"8002": "customer_unknown", "8003": "no_customer"}

    def test_each_unknown_customer_is_asked_for_once(self, engine: Engine, link: Link) -> None:
        page = [an_invoice(str(number), customer_id=str(5000 + number % 3)) for number in range(9)]
        upsert(engine, link, *page, an_invoice("8001", customer_id=""))
        assert unknown_customers(engine, link) == ["5000", "5001", "5002"]
        assert unknown_customers(engine, link, limit=2) == ["5000", "5001"]

    def test_a_new_customer_takes_up_what_waited(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice("8001"), an_invoice("8002"), an_invoice("8003", customer_id="5002"))
        assert cache_customer(engine, link).taken_up == Upserted(new=2)
        assert cached_ids(engine) == {"8001", "8002"}
        assert skipped(engine) == {"8003": "customer_unknown"}
        assert cached(engine)["plan_at"] == NOW

    def test_what_waited_is_taken_up_as_exactly_as_it_was_told(self, engine: Engine, link: Link) -> None:
        told = an_invoice(total="1234567890123456.789", balance=None, date=None)
        upsert(engine, link, told)
        cache_customer(engine, link)
        found = cached(engine)
        assert (found["total"], found["balance"], found["date"]) == (Decimal("1234567890123456.789"), None, None)
        assert found["sync_hash"] == told.sync_hash()
        assert (found["zoho_last_modified_at"], found["observed_at"]) == (MODIFIED_AT, OBSERVED_AT)

    def test_a_customer_that_was_cached_meanwhile_takes_up_what_waited(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice())
        # Cached by a transaction that did not see the invoice wait, as two side by side may.
        change(
            engine,
            """
            INSERT INTO customers_cache (user_id, connection_id, zoho_customer_id)
            VALUES (:user_id, :connection_id, '5001')
            """,
            user_id=link.user_id,
            connection_id=link.connection_id,
        )
        assert cache_customer(engine, link).taken_up == Upserted(new=1)
        assert unknown_customers(engine, link) == []

    def test_a_customer_from_before_booksync_takes_up_what_waited(self, engine: Engine, link: Link) -> None:
        change(
            engine,
            "INSERT INTO customers_cache (user_id, zoho_customer_id) VALUES (:user_id, '5001')",
            user_id=link.user_id,
        )
        upsert(engine, link, an_invoice())
        cache_customer(engine, link)
        assert (cached_ids(engine), skipped(engine)) == ({"8001"}, {})

    def test_an_invoice_whose_customer_is_cached_waits_no_more(self, engine: Engine, home: Link) -> None:
        upsert(engine, home, an_invoice(customer_id=""), an_invoice("8002", customer_id="5002"))
        with engine.begin() as connection:
            skipped_invoices.mark_customer_gone(connection, home, "5002")
        later = MODIFIED_AT + A_MINUTE
        page = [an_invoice(modified_at=later), an_invoice("8002", modified_at=later)]
        assert upsert(engine, home, *page) == Upserted(new=2)
        assert skipped(engine) == {}

    def test_a_gone_customer_is_not_asked_for_again(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice("8001"), an_invoice("8002"), an_invoice("8003", customer_id="5002"))
        with engine.begin() as connection:
            assert skipped_invoices.mark_customer_gone(connection, link, "5001") == 2
        assert unknown_customers(engine, link) == ["5002"]
        upsert(engine, link, an_invoice("8001"), observed_at=OBSERVED_AT + A_MINUTE)
        assert skipped(engine)["8001"] == "customer_gone"
        assert unknown_customers(engine, link) == ["5002"]

    def test_a_gone_customers_invoice_that_changes_is_asked_about_again(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice())
        with engine.begin() as connection:
            skipped_invoices.mark_customer_gone(connection, link, "5001")
        upsert(engine, link, an_invoice(modified_at=MODIFIED_AT + A_MINUTE))
        assert skipped(engine) == {"8001": "customer_unknown"}

    def test_a_gone_customer_who_comes_back_takes_up_what_waited(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice())
        with engine.begin() as connection:
            skipped_invoices.mark_customer_gone(connection, link, "5001")
        assert cache_customer(engine, link).taken_up == Upserted(new=1)

    def test_another_connections_customer_is_unknown(self, engine: Engine, link: Link) -> None:
        cache_customer(engine, a_link(engine, user_id=link.user_id, organization_id="20234695"))
        assert upsert(engine, link, an_invoice()) == Upserted()
        assert skipped(engine) == {"8001": "customer_unknown"}

    def test_a_deleted_customers_invoices_are_cached(self, engine: Engine, home: Link) -> None:
        with engine.begin() as connection:
            deletions.mark(connection, home, RecordKind.CUSTOMER, ["5001"], observed_at=NOW, now=NOW)
        assert upsert(engine, home, an_invoice()) == Upserted(new=1)

    def test_what_a_whole_walk_has_not_met_waits_no_more(self, engine: Engine, link: Link) -> None:
        upsert(engine, link, an_invoice("8001"), an_invoice("8002"))
        with engine.begin() as connection:
            run = runs.start(connection, link.connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=60)
            assert run is not None
            deletions.see(connection, run.run_id, RecordKind.INVOICE, ["8002"])
            skipped_invoices.drop_unseen(connection, link.connection_id, run.run_id)
        assert skipped(engine) == {"8002": "customer_unknown"}


class TestAnotherConnection:
    def test_its_invoice_is_not_touched(self, engine: Engine, home: Link) -> None:
        other = a_link(engine, user_id=home.user_id, organization_id="20234695")
        cache_customer(engine, other, "6001")
        upsert(engine, other, an_invoice(customer_id="6001"))
        before = cached(engine)
        assert upsert(engine, home, an_invoice(modified_at=MODIFIED_AT + A_MINUTE)) == Upserted()
        assert cached(engine) == before

    def test_another_user_has_rows_of_their_own(self, engine: Engine, home: Link) -> None:
        theirs = a_link(engine)
        cache_customer(engine, theirs)
        upsert(engine, theirs, an_invoice())
        assert upsert(engine, home, an_invoice()) == Upserted(new=1)
