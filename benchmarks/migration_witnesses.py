"""Readers, writers and a lock monitor that run during a migration and record their stalls."""

import threading
import time
import uuid
from dataclasses import dataclass, field

import psycopg

_PAUSE_SECONDS = 0.005

_ADDED = """
    INSERT INTO invoices_cache (user_id, zoho_invoice_id, zoho_customer_id, customer_name, customer_phone)
    VALUES (%(user)s, %(number)s, %(customer)s, 'Written meanwhile', '+442070313000')
"""
_RENAMED = "UPDATE invoices_cache SET customer_name = %(number)s, updated_at = now() WHERE zoho_invoice_id = %(old)s"
_PAID = "UPDATE invoices_cache SET status = 'paid', updated_at = now() WHERE zoho_invoice_id = %(old)s"
_READ = """
    SELECT zoho_customer_id, status, balance FROM invoices_cache
    WHERE user_id = %(user)s AND zoho_invoice_id = %(old)s
"""


@dataclass
class Stalls:
    """The number of operations, and the duration of the longest one."""

    times: int = 0
    longest_seconds: float = 0.0
    errors: list[str] = field(default_factory=list)


class Witness(threading.Thread):
    """Repeats an operation until it is stopped; `what` names it."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(daemon=True)
        self.what = what
        self.stalls = Stalls()
        self._url = url
        self._enough = threading.Event()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="witness") as connection:
            while not self._enough.wait(_PAUSE_SECONDS):
                began = time.perf_counter()
                try:
                    self.act(connection, self.stalls.times)
                except psycopg.Error as error:
                    self.stalls.errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
                took = time.perf_counter() - began
                self.stalls.times += 1
                self.stalls.longest_seconds = max(self.stalls.longest_seconds, took)

    def act(self, connection: psycopg.Connection, turn: int) -> None:
        raise NotImplementedError

    def stop(self) -> Stalls:
        """Stop and return the stalls."""
        self._enough.set()
        self.join()
        return self.stalls


class Client(Witness):
    """Sends statements, one at a time."""

    def __init__(self, url: str, what: str, statements: tuple[str, ...], *, user: uuid.UUID, invoices: int) -> None:
        super().__init__(url, what)
        self._statements = statements
        self._user = user
        self._invoices = invoices

    def act(self, connection: psycopg.Connection, turn: int) -> None:
        connection.execute(
            self._statements[turn % len(self._statements)],
            {
                "user": self._user,
                "number": f"{self.what}-{uuid.uuid4()}",
                "old": str(turn * 7919 % self._invoices + 1),
                "customer": str(turn % 1000),
            },
        )


def reader(url: str, *, user: uuid.UUID, invoices: int) -> Client:
    """Reads invoices."""
    return Client(url, "reader", (_READ,), user=user, invoices=invoices)


def legacy_writer(url: str, *, user: uuid.UUID, invoices: int) -> Client:
    """Writes like the legacy application: new invoices, changed copies, changed status."""
    return Client(url, "legacy writer", (_ADDED, _RENAMED, _PAID), user=user, invoices=invoices)


def writer(url: str, *, user: uuid.UUID, invoices: int) -> Client:
    """Changes columns that every version of the table has."""
    return Client(url, "writer", (_PAID,), user=user, invoices=invoices)


class LockWatch(Witness):
    """Checks every few milliseconds which tables the migration holds under ACCESS EXCLUSIVE, and since when."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "locks")
        self.longest_seconds = 0.0
        self._since: dict[tuple[str, str], float] = {}

    def act(self, connection: psycopg.Connection, turn: int) -> None:  # noqa: ARG002 - the same query each time
        held = {
            (transaction, table)
            for transaction, table in connection.execute("""
                SELECT virtualtransaction, relation::regclass::text FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE mode = 'AccessExclusiveLock' AND granted AND application_name = 'booksync migrate'
                    AND relation IN (SELECT to_regclass(name) FROM unnest(ARRAY[
                        'users', 'invoices_cache', 'reminders', 'sync_metadata', 'customers_cache'
                    ]) AS name)
            """)
        }
        now = time.perf_counter()
        self._since = {lock: self._since.get(lock, now) for lock in held}
        for since in self._since.values():
            # The lock was acquired after the check before the first one with it, and released before the next.
            self.longest_seconds = max(self.longest_seconds, now - since + _PAUSE_SECONDS)
