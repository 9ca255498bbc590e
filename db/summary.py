"""The figures of a run and of a connection that `sync --wait`, `status` and the demo print."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import Row, text

from db import event_history, floods, held_deletions, openings, reminders
from db.connections import NAME
from db.session import Session
from domain.errors import BooksyncError
from domain.public_holidays import last_known_year
from domain.time_zones import known_zone
from domain.truth_check import TruthCheck

#: The largest number of country texts that are listed individually.
LONGEST_LIST_OF_COUNTRIES = 20

#: What a run waits for (`waiting_for`) while its step is due and no worker has leased it.
WORKER = "a worker"

#: A worker leases the first step of a run within this time, unless none is free.
_PICK_UP_SECONDS = 5.0

_RUN = text("""
    SELECT id, connection_id, status, mode, phase, step, attempts, not_before, waiting_for, api_calls, counters,
           degraded_reason, error, started_at, finished_at,
           not_before > clock_timestamp() AS is_waiting,
           status = 'running' AND started_at < clock_timestamp() - make_interval(secs => :patience)
           AND coalesce(not_before, '-infinity') <= clock_timestamp()
           AND coalesce(claimed_until, '-infinity') <= clock_timestamp() AS waits_for_worker,
           extract(epoch FROM coalesce(finished_at, clock_timestamp()) - started_at)::float AS seconds
      FROM booksync.sync_runs WHERE id = :run_id
""")

# Each total is the number of all rows less the few that it omits: an index counts both without reading a row.
_TOTALS = text("""
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
    return dict(db.execute(_TOTALS, {"connection_id": connection_id}).one()._mapping)


def waiting_invoices(db: Session, connection_id: uuid.UUID) -> dict[str, int]:
    """The number of waiting invoices, by reason."""
    rows = db.execute(
        text("""
            SELECT reason, count(*) AS invoices FROM booksync.waiting_invoices
             WHERE connection_id = :connection_id GROUP BY 1 ORDER BY 1
        """),
        {"connection_id": connection_id},
    )
    return {row.reason: row.invoices for row in rows}


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
            "skipped": live["waiting_invoices"],  # the former name of the key, until 0.4
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


def calendars_that_end(db: Session, connection_id: uuid.UUID, today: date) -> dict[str, int]:
    """The countries of the connection's customers for which the known public holidays end within a year.

    The result is country → last year with known holidays.
    """
    countries = db.execute(
        text("""
            SELECT DISTINCT coalesce(country_code, phone_verdict ->> 'region') FROM booksync.customers_cache
             WHERE connection_id = :connection_id AND status = 'active' AND primary_phone IS NOT NULL ORDER BY 1
        """),
        {"connection_id": connection_id},
    ).scalars()
    last_years = {country: last_known_year(country, today) for country in countries if country}
    return {country: year for country, year in last_years.items() if year is not None}


_UNKNOWN_COUNTRIES = text("""
    SELECT country_unknown AS country, count(*) AS customers, sum(count(*)) OVER ()::integer AS total
      FROM booksync.customers_cache
     WHERE connection_id = :connection_id AND status <> 'deleted' AND country_unknown IS NOT NULL
     GROUP BY country_unknown ORDER BY customers DESC, country LIMIT :limit
""")


def unknown_countries(db: Session, connection_id: uuid.UUID) -> dict[str, Any]:
    """The texts for countries in Zoho that booksync does not understand, the most frequent first.

    Each text has its number of customers. `customers_with_unknown_country` is the total.
    """
    rows = db.execute(_UNKNOWN_COUNTRIES, {"connection_id": connection_id, "limit": LONGEST_LIST_OF_COUNTRIES}).all()
    return {
        "unknown_countries": [{"country": row.country, "customers": row.customers} for row in rows],
        "customers_with_unknown_country": rows[0].total if rows else 0,
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
    row = db.execute(_RUN, {"run_id": run_id, "patience": _PICK_UP_SECONDS}).one_or_none()
    if row is None:
        raise UnknownRunError
    return row


# Only an active connection has a next sync.
_CONNECTIONS = text(f"""
    SELECT c.id, c.user_id, c.organization_id, c.organization_name, {NAME} AS name, c.data_center, c.status,
           c.parked_reason, c.paused_reason, c.paused_at, c.disconnected_at,
           c.time_zone, c.unknown_time_zone, c.country_code, c.truth_checked_at, c.truth_check, current_date AS today,
           g.oauth_throttled_since,
           CASE WHEN c.status = 'active' THEN c.next_sync_at END AS next_sync_at,
           CASE WHEN c.status = 'active' THEN c.next_full_sync_at END AS next_full_sync_at,
           m.last_customer_sync_at, m.last_invoice_sync_at
      FROM booksync.zoho_connections c
      LEFT JOIN booksync.grants g ON g.id = c.grant_id
      LEFT JOIN sync_metadata m ON m.connection_id = c.id
     WHERE c.id = :connection_id OR CAST(:connection_id AS uuid) IS NULL
     ORDER BY c.created_at, c.id
""")  # noqa: S608

_RECENT_RUNS = text(
    "SELECT id FROM booksync.sync_runs WHERE connection_id = :connection_id ORDER BY started_at DESC LIMIT :limit"
)

_RUN_FIELDS = ("mode", "status", "phase", "step", "attempts", "api_calls", "started_at", "finished_at", "seconds")


def connection_states(db: Session, connection_id: uuid.UUID | None = None, *, runs: int = 5) -> list[dict[str, Any]]:
    """Every connection (or one) as JSON: its sync progress, its caches' totals, and its last runs, newest first."""
    states = []
    for row in db.execute(_CONNECTIONS, {"connection_id": connection_id}):
        standing = reminders.standing(db, row.id)
        flood = floods.standing(db, row.id)
        recent = db.execute(_RECENT_RUNS, {"connection_id": row.id, "limit": runs}).scalars()
        states.append(
            {
                "connection_id": str(row.id),
                "user_id": str(row.user_id),
                "organization_id": row.organization_id,
                "organization_name": row.organization_name,
                "name": row.name,
                "time_zone": row.time_zone,
                "unknown_time_zone": row.unknown_time_zone,
                "time_zone_is_known": known_zone(row.time_zone) is not None,
                "country_code": row.country_code,
                **unknown_countries(db, row.id),
                "calendars_that_end": calendars_that_end(db, row.id, row.today),
                "data_center": row.data_center,
                "status": row.status,
                "parked_reason": row.parked_reason,
                "paused_reason": row.paused_reason,
                "paused_at": row.paused_at,
                "disconnected_at": row.disconnected_at,
                "token_endpoint_throttled_since": row.oauth_throttled_since,
                "last_customer_sync_at": row.last_customer_sync_at,
                "last_invoice_sync_at": row.last_invoice_sync_at,
                "next_sync_at": row.next_sync_at,
                "next_full_sync_at": row.next_full_sync_at,
                "cached": totals(db, row.id),
                "reminders": {"scheduled": standing.scheduled, "skipped": standing.skipped},
                **openings.state_of(db, row.id).as_json(),
                "webhook_events": event_history.without_effect(db, row.id),
                "flood": flood and flood.as_json(),
                "held_deletions": held_deletions.standing(db, row.id).as_json(),
                "truth_check": _truth_check(row),
                "runs": [_run_state(run_progress(db, run_id)) for run_id in recent],
            }
        )
    return states


def _truth_check(row: Row[Any]) -> dict[str, Any] | None:
    """The connection's last truth check: checked_at, asked, checked, different, drifted, customers, invoices."""
    if row.truth_check is None:
        return None
    check = TruthCheck.from_json(row.truth_check)
    return {"checked_at": row.truth_checked_at, "different": check.different, **check.to_json()}


def _run_state(run: dict[str, Any]) -> dict[str, Any]:
    is_waiting = run["status"] == "running" and (run["is_waiting"] or run["waits_for_worker"])
    return {
        "run_id": str(run["id"]),
        **{name: run[name] for name in _RUN_FIELDS},
        "state": "waiting" if is_waiting else run["status"],
        "resumes_at": run["not_before"],
        "waiting_for": WORKER if run["waits_for_worker"] else run["waiting_for"],
        "reason": run["degraded_reason"] or run["error"],
    }
