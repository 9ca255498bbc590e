"""The figures of a run and of a connection's caches that `sync --wait`, `status` and the demo print."""

import uuid
from typing import Any

from sqlalchemy import Row, text

from db import openings, reminders
from db.session import Session
from domain.errors import BooksyncError

#: What a run waits for (`waiting_for`) while its step is due and no worker has leased it.
WORKER = "a worker"

#: A worker leases the first step of a run within this time, unless none is free.
PICK_UP_SECONDS = 5.0

_RUN_COLUMNS = """
           id, connection_id, status, mode, phase, step, attempts, not_before, waiting_for, api_calls,
           degraded_reason, error, started_at, finished_at,
           not_before > clock_timestamp() AS is_waiting,
           status = 'running' AND started_at < clock_timestamp() - make_interval(secs => :patience)
           AND coalesce(not_before, '-infinity') <= clock_timestamp()
           AND coalesce(claimed_until, '-infinity') <= clock_timestamp() AS waits_for_worker,
           extract(epoch FROM coalesce(finished_at, clock_timestamp()) - started_at)::float AS seconds
"""

_RUN = text(f"SELECT {_RUN_COLUMNS}, counters FROM booksync.sync_runs WHERE id = :run_id")  # noqa: S608

#: The last runs of one connection, newest first.
RECENT_RUNS = text(f"""
    SELECT {_RUN_COLUMNS} FROM booksync.sync_runs
     WHERE connection_id = :connection_id ORDER BY started_at DESC LIMIT :runs
""")  # noqa: S608

# Each total is the number of all rows less the few that it omits: an index counts both without reading a row.
TOTALS = text("""
    SELECT all_customers - deleted AS customers, all_customers - no_phone AS customers_with_phone,
           (SELECT count(*) FROM invoices_cache WHERE connection_id = :connection_id)
           - (SELECT count(*) FROM invoices_cache
               WHERE connection_id = :connection_id AND (status <> 'deleted') IS NOT TRUE) AS invoices,
           (SELECT count(*) FROM booksync.waiting_invoices WHERE connection_id = :connection_id) AS waiting_invoices,
           (SELECT count(*) FROM booksync.rejected_records WHERE connection_id = :connection_id) AS rejected
      FROM (SELECT count(*) AS all_customers
              FROM booksync.customers_cache WHERE connection_id = :connection_id) counted,
           (SELECT count(*) AS no_phone, count(*) FILTER (WHERE status = 'deleted') AS deleted
              FROM booksync.customers_cache
             WHERE connection_id = :connection_id
               AND (status <> 'deleted' AND primary_phone IS NOT NULL AND phone_problem IS NULL) IS NOT TRUE) omitted
""")


def totals(db: Session, connection_id: uuid.UUID) -> dict[str, int]:
    """The numbers of live rows in the connection's caches.

    The keys are customers, customers_with_phone, invoices, waiting_invoices, rejected.
    """
    return dict(db.execute(TOTALS, {"connection_id": connection_id}).one()._mapping)


#: The number of one connection's waiting invoices, by reason.
WAITING_INVOICES = text("""
    SELECT reason, count(*) AS invoices FROM booksync.waiting_invoices
     WHERE connection_id = :connection_id GROUP BY 1 ORDER BY 1
""")


class UnknownRunError(BooksyncError):
    """The run does not exist any more, because its connection was erased."""


def run_summary(db: Session, run_id: uuid.UUID) -> dict[str, Any]:
    """One run as JSON: its status, the rows that it wrote, the caches' totals and the states of the open invoices.

    Raises:
        UnknownRunError: see `run_progress`.
    """
    run = _run(db, run_id)
    live = totals(db, run.connection_id)
    standing = reminders.standing(db, run.connection_id)
    written = {name: run.counters.get(name, 0) for name in _COUNTERS}
    return {
        "run_id": str(run.id),
        "connection_id": str(run.connection_id),
        "mode": run.mode,
        "status": run.status,
        "customers": {
            "total": live["customers"],
            "new": written["customers_new"],
            "updated": written["customers_updated"],
            "unchanged": _rest(live["customers"], written["customers_new"], written["customers_updated"]),
            "with_phone": live["customers_with_phone"],
        },
        "invoices": {
            "total": live["invoices"],
            "new": written["invoices_new"],
            "updated": written["invoices_updated"],
            "unchanged": _rest(live["invoices"], written["invoices_new"], written["invoices_updated"]),
            "waiting": live["waiting_invoices"],
            "skipped": live["waiting_invoices"],  # the former name of the key, until 0.5
        },
        "reminders": {"scheduled": standing.scheduled, "skipped": standing.skipped},
        **openings.state_of(db, run.connection_id).as_json(),
        "rejected": live["rejected"],
        "api_calls": run.api_calls,
        # For comparison: the older sync, which booksync replaces, makes one call for the customer of each invoice.
        "api_calls_one_per_invoice": live["invoices"] + live["waiting_invoices"],
        "seconds": round(run.seconds, 2),
        "reason": run.degraded_reason or run.error,
    }


def _rest(live: int, new: int, updated: int) -> int:
    """The number of live records that the run has not written; never below 0.

    A record that the run has written and then marked deleted is not live, but is among the written ones.
    """
    return max(0, live - new - updated)


_COUNTERS = ("customers_new", "customers_updated", "invoices_new", "invoices_updated")


def run_progress(db: Session, run_id: uuid.UUID) -> dict[str, Any]:
    """The progress of a run: status, phase, step, calls, counters, and why the run is deferred.

    Raises:
        UnknownRunError: the run's connection was erased in the meantime.
    """
    return dict(_run(db, run_id)._mapping)


def _run(db: Session, run_id: uuid.UUID) -> Row[Any]:
    row = db.execute(_RUN, {"run_id": run_id, "patience": PICK_UP_SECONDS}).one_or_none()
    if row is None:
        raise UnknownRunError
    return row
