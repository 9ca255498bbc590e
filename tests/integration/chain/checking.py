"""Truth checks on the test bench: nights that pass, records that are checked first, and the findings of a check."""

from domain.runs import Mode
from domain.truth_check import RECORDS
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row

#: Calls for one record.
DETAILS = (CallKind.CONTACT, CallKind.INVOICE)

_KEYS = {"booksync.customers_cache": "zoho_customer_id", "invoices_cache": "zoho_invoice_id"}


def a_night_passes(bench: Bench) -> None:
    """Makes every observation and check a day older."""
    day = "interval '1 day'"
    for table, key in _KEYS.items():
        bench.rows(
            f"UPDATE {table} SET observed_at = date_trunc('day', observed_at) - {day},"
            f" truth_checked_at = truth_checked_at - {day} WHERE {key} <> '' RETURNING id"
        )
    bench.rows(f"UPDATE booksync.zoho_connections SET truth_checked_at = truth_checked_at - {day} RETURNING id")


def a_minute_passes(bench: Bench) -> None:
    """Makes every 404 a minute older, because a read within the second of a 404 would not count as later."""
    for table in _KEYS:
        bench.rows(
            f"UPDATE {table} SET observed_at = observed_at - interval '1 minute', "
            "gone_at = gone_at - interval '1 minute' RETURNING id"
        )
    bench.rows("UPDATE booksync.held_deletions SET found_at = found_at - interval '1 minute' RETURNING record_id")


def come_first(bench: Bench, table: str, record_ids: list[str]) -> None:
    """Puts these records first in the next check."""
    assert len(record_ids) <= RECORDS // 2
    sql = f"UPDATE {table} SET observed_at = '2020-01-01', truth_checked_at = NULL WHERE {_KEYS[table]} = ANY(%(ids)s)"
    assert len(bench.rows(f"{sql} RETURNING id", ids=record_ids)) == len(record_ids)


def overwrite(bench: Bench, table: str, record_id: str, column: str, value: str) -> None:
    sql = f"UPDATE {table} SET {column} = {value} WHERE {_KEYS[table]} = %(id)s RETURNING id"
    assert bench.rows(sql, id=record_id)


def check(bench: Bench) -> Row:
    """Executes the first step of a nightly run; returns the findings of its check."""
    step = bench.start(Mode.FULL, is_scheduled=True)
    bench.skip_waiting()
    bench.take(step)
    return found(bench)


def found(bench: Bench) -> Row:
    (row,) = bench.rows("SELECT truth_check FROM booksync.zoho_connections")
    result: Row = row["truth_check"] or {}
    return result


def asked(bench: Bench) -> int:
    return sum(bench.zoho.stats().count(kind) for kind in DETAILS)


def customers_with_persons(bench: Bench) -> list[str]:
    rows = bench.customers()
    return sorted(key for key, row in rows.items() if row["contact_persons"] and row["status"] == "active")
