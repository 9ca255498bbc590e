"""Both applications write while the phases change, without errors or lost rows."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg.rows import dict_row

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database, receipts
from tests.integration.migrations.states import LEGACY

_INVOICES_BEFORE = 400


class Application(threading.Thread):
    """A thread that writes row after row as fast as it can until it is stopped, and then reports its first error."""

    def __init__(self, url: str, user: uuid.UUID) -> None:
        super().__init__()
        self.url = url
        self.user = user
        self.written: dict[str, tuple[str | None, ...]] = {}
        self.error: BaseException | None = None
        self._enough = threading.Event()
        self._round = threading.Condition()
        self._rounds = 0

    def run(self) -> None:
        try:
            with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
                database = Database(connection)
                while not self._enough.is_set():
                    self.write(database, self._rounds)
                    with self._round:
                        self._rounds += 1
                        self._round.notify_all()
        except psycopg.Error as error:
            self.error = error
        finally:
            with self._round:
                self._round.notify_all()

    def write(self, database: Database, turn: int) -> None:
        raise NotImplementedError

    def goes_on(self, rounds: int = 20) -> None:
        """Wait until it has written that many more rows."""
        with self._round:
            until = self._rounds + rounds
            assert self._round.wait_for(lambda: self._rounds >= until or self.error is not None, timeout=60)
        assert self.error is None, self.error

    def stop(self) -> None:
        self._enough.set()
        self.join()
        assert self.error is None, self.error


_A = TypeVar("_A", bound=Application)


class LegacyApplication(Application):
    """Uses only the old columns; writes new invoices, renames customers in old ones, and moves some to others."""

    def write(self, database: Database, turn: int) -> None:
        number = f"before-{turn % _INVOICES_BEFORE}" if turn % 2 else f"legacy-{turn}"
        customer = f"C{turn % 37}" if turn % 11 else None
        copy = (f"Name {turn}", f"+4420703{turn % 100_000:05}", "GB", "Europe/London")
        invoice = database.legacy_writes_invoice(
            self.user, number, customer=customer, name=copy[0], phone=copy[1], country=copy[2], zone=copy[3]
        )
        if turn % 2 == 0:
            database.legacy_writes_reminder(self.user, invoice)
        self.written[number] = (customer, *copy)


class NewApplication(Application):
    """Caches customers from Zoho, including some of the legacy application's, and their invoices."""

    def __init__(self, url: str, user: uuid.UUID) -> None:
        super().__init__(url, user)
        self.links_invoices = threading.Event()

    def write(self, database: Database, turn: int) -> None:
        customer = f"C{turn}" if turn < 20 else f"N{turn}"
        row = database.row(
            """
            INSERT INTO customers_cache (user_id, zoho_customer_id, customer_name, primary_phone, observed_at)
            VALUES (%s, %s, %s, '+33144556677', now())
            ON CONFLICT (user_id, zoho_customer_id) DO UPDATE SET
                customer_name = excluded.customer_name, primary_phone = excluded.primary_phone,
                observed_at = excluded.observed_at
            RETURNING id
            """,
            *(self.user, customer, f"Zoho's {customer}"),
        )
        if self.links_invoices.is_set():
            database.booksync_writes_invoice(self.user, f"new-{turn}", customer, row["id"])
            self.written[f"new-{turn}"] = (customer, f"Zoho's {customer}")


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY)
def test_both_applications_write_through_every_phase_change(url: str, database: Database) -> None:
    user = database.a_user()
    for number in range(_INVOICES_BEFORE):
        database.legacy_writes_invoice(user, f"before-{number}", customer=f"C{number % 50}", name=f"Before {number}")

    with running(LegacyApplication(url, user)) as legacy:
        migrate(url, Target.PHASE1)
        with running(NewApplication(url, user)) as new:
            legacy.goes_on()
            new.goes_on()
            migrate(url, Target.PHASE2)
            new.links_invoices.set()
            new.goes_on()
            # Down and up once more, while both write as far as each phase allows.
            new.links_invoices.clear()
            new.goes_on(2)
            migrate(url, Target.PHASE1)
            legacy.goes_on()
            migrate(url, Target.PHASE2)
            new.links_invoices.set()
            new.goes_on()
            legacy.goes_on()
            legacy.stop()
            assert_the_legacy_writes_are_told(database, legacy)
            migrate(url, Target.PHASE3)
            new.goes_on()

    for invoice, (customer, name) in new.written.items():
        found = database.row(
            """
            SELECT customer.zoho_customer_id, customer_name FROM invoices_cache AS invoice
            JOIN customers_cache AS customer ON customer.id = invoice.customer_id WHERE zoho_invoice_id = %s
            """,
            invoice,
        )
        assert tuple(found.values()) == (customer, name)
    migrate(url, Target.LEGACY)
    for invoice, (customer, *copy) in legacy.written.items():
        found = database.row("SELECT id, zoho_customer_id FROM invoices_cache WHERE zoho_invoice_id = %s", invoice)
        assert found["zoho_customer_id"] == customer
        assert database.copy(found["id"]) == tuple(copy)


def assert_the_legacy_writes_are_told(database: Database, legacy: LegacyApplication) -> None:
    told: dict[str, dict[str, Any]] = {}
    for row in receipts(database):
        told.setdefault(row["invoice"], {})[row["column"]] = row["value"]
    for number, (_, *copy) in legacy.written.items():
        names = ("customer_name", "customer_phone", "customer_country_code", "customer_timezone")
        assert told[number] == dict(zip(names, copy, strict=True))


@contextmanager
def running(application: _A) -> Iterator[_A]:
    application.start()
    try:
        yield application
    finally:
        application.stop()
