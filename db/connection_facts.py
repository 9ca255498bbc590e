"""The facts about connections that people see: one statement reads hundreds of connections."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, text

from db import event_history, floods, held_deletions, openings, reminders, summary, webhook_secrets
from db.connections import NAME
from db.session import Session
from domain.reminders.public_holidays import last_known_year
from domain.time_zones import known_zone
from domain.truth_check import TruthCheck

#: The largest number of country texts that are listed individually.
LONGEST_LIST_OF_COUNTRIES: Final = 20

#: The connections that one statement reads, so that none takes longer than the time limit of a statement.
BATCH: Final = 500

_Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Part:
    """Facts that a connection has besides its own row: their statement, and how its rows become keys of the state."""

    sql: str  #: a statement about the connection `:connection_id`
    read: Callable[[Row[Any], _Rows], Mapping[str, Any]]
    values: Mapping[str, Any] = field(default_factory=dict)


def connection_states(
    db: Session, connection_id: uuid.UUID | None = None, *, runs: int = 5, events: int = 0
) -> list[dict[str, Any]]:
    """Every connection (or one) as JSON: its sync progress, its caches' totals, and its last runs, newest first.

    `events` is the number of its newest webhook events that are read too.
    """
    parts = [_totals(), _standing(), _calls(), _countries(), _unknown_countries(), _without_effect(), _flood(), _held()]
    parts += [_distrusted(), _waiting_invoices(), _runs(runs)]
    if events:
        parts.append(_events(events))
    return _read(db, None if connection_id is None else [connection_id], parts)


def glances(db: Session, connection_ids: Sequence[uuid.UUID], *, runs: int, events: int) -> list[dict[str, Any]]:
    """The facts about these connections that are read without counting cached rows, so they are up to date.

    They are the keys of `connection_states` that come from the connection's row, `runs`, `waiting_invoices`, `flood`
    and, if `events` is not 0, `events`. Thousands of held deletions take too long for each look.
    """
    parts = [_runs(runs), _waiting_invoices(), _flood(), *([_events(events)] if events else [])]
    return _read(db, connection_ids, parts)


_OUTLINES = text(f"""
    SELECT CAST(c.id AS text) AS connection_id, {NAME} AS name, c.organization_id, c.organization_name, c.status
      FROM booksync.zoho_connections c ORDER BY c.created_at, c.id
""")  # noqa: S608


def outlines(db: Session) -> Sequence[Mapping[str, Any]]:
    """Every connection with some keys of `connection_states`: what a person may call it, and its status."""
    return [dict(row) for row in db.execute(_OUTLINES).mappings()]


# Only an active connection has a next sync.
_CONNECTION: Final = f"""
    SELECT c.id, c.created_at, c.user_id, c.organization_id, c.organization_name, {NAME} AS name, c.data_center,
           c.status, c.parked_reason, c.parked_at, c.paused_reason, c.paused_at, c.disconnected_at,
           c.time_zone, c.unknown_time_zone, c.country_code, c.truth_checked_at, c.truth_check, current_date AS today,
           clock_timestamp() AS now, c.handover, c.handover_opened_at, c.handover_backlog, c.is_handover_resting,
           {webhook_secrets.SHOWN_REFUSALS}, g.oauth_throttled_since,
           CASE WHEN c.status = 'active' THEN c.next_sync_at END AS next_sync_at,
           CASE WHEN c.status = 'active' THEN c.next_full_sync_at END AS next_full_sync_at,
           m.last_customer_sync_at, m.last_invoice_sync_at
"""

_FROM: Final = """
      FROM booksync.zoho_connections c
      LEFT JOIN booksync.grants g ON g.id = c.grant_id
      LEFT JOIN sync_metadata m ON m.connection_id = c.id
     WHERE (c.id = ANY(CAST(:ids AS uuid[])) OR CAST(:ids AS uuid[]) IS NULL)
       AND (c.created_at, c.id) > (coalesce(CAST(:created_at AS timestamptz), '-infinity'), CAST(:after AS uuid))
     ORDER BY c.created_at, c.id LIMIT :batch
"""

_BEFORE_ALL: Final = uuid.UUID(int=0)


def _read(db: Session, ids: Sequence[uuid.UUID] | None, parts: Sequence[_Part]) -> list[dict[str, Any]]:
    columns = [_column(n, each) for n, each in enumerate(parts)]
    values = {name: value for each in parts for name, value in each.values.items()}
    statement = text("".join([_CONNECTION, *columns, _FROM]))
    values |= {"ids": ids, "created_at": None, "after": _BEFORE_ALL, "batch": BATCH}
    states: list[dict[str, Any]] = []
    while True:
        rows = db.execute(statement, values).all()
        states += (_state(row, parts) for row in rows)
        if len(rows) < BATCH:
            return states
        values |= {"created_at": rows[-1].created_at, "after": rows[-1].id}


def _state(row: Row[Any], parts: Sequence[_Part]) -> dict[str, Any]:
    state = _own(row)
    for number, part in enumerate(parts):
        state |= part.read(row, row._mapping[f"part_{number}"])
    return state


def _column(number: int, part: _Part) -> str:
    about_this_row = part.sql.replace(":connection_id", "c.id")
    return f", (SELECT coalesce(json_agg(part), '[]') FROM ({about_this_row}) part) AS part_{number}"  # noqa: S608


def _own(row: Row[Any]) -> dict[str, Any]:
    return {
        "connection_id": str(row.id),
        "user_id": str(row.user_id),
        "organization_id": row.organization_id,
        "organization_name": row.organization_name,
        "name": row.name,
        "time_zone": row.time_zone,
        "unknown_time_zone": row.unknown_time_zone,
        "time_zone_is_known": known_zone(row.time_zone) is not None,
        "country_code": row.country_code,
        "data_center": row.data_center,
        "status": row.status,
        "parked_reason": row.parked_reason,
        "parked_at": row.parked_at,
        "paused_reason": row.paused_reason,
        "paused_at": row.paused_at,
        "disconnected_at": row.disconnected_at,
        "token_endpoint_throttled_since": row.oauth_throttled_since,
        "last_customer_sync_at": row.last_customer_sync_at,
        "last_invoice_sync_at": row.last_invoice_sync_at,
        "next_sync_at": row.next_sync_at,
        "next_full_sync_at": row.next_full_sync_at,
        "handover": row.handover,
        "opened_at": row.handover_opened_at,
        "resting": row.is_handover_resting,
        "webhooks_refused": webhook_secrets.refusals_of(row).as_json(),
        "truth_check": _truth_check(row),
        "read_at": row.now,
    }


def _truth_check(row: Row[Any]) -> dict[str, Any] | None:
    """The connection's last truth check: checked_at, asked, checked, different, drifted, customers, invoices."""
    if row.truth_check is None:
        return None
    check = TruthCheck.from_json(row.truth_check)
    return {"checked_at": row.truth_checked_at, "different": check.different, **check.to_json()}


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _totals() -> _Part:
    return _Part(summary.TOTALS.text, lambda _row, found: {"cached": found[0]})


def _standing() -> _Part:
    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        standing = reminders.standing_of(found)
        return {"reminders": {"scheduled": standing.scheduled, "skipped": standing.skipped}}

    return _Part(reminders.STANDING.text, read, reminders.STANDING_VALUES)


def _calls() -> _Part:
    return _Part(openings.CALLS.text, lambda row, found: openings.handover_state(row, found[0]).as_json())


def _countries() -> _Part:
    sql = """
        SELECT DISTINCT coalesce(country_code, phone_verdict ->> 'region') AS country FROM booksync.customers_cache
         WHERE connection_id = :connection_id AND status = 'active' AND primary_phone IS NOT NULL ORDER BY 1
    """
    return _Part(
        sql,
        lambda row, found: {"calendars_that_end": calendars_that_end([each["country"] for each in found], row.today)},
    )


def calendars_that_end(countries: Sequence[str | None], today: date) -> dict[str, int]:
    """Those of the countries for which the known public holidays end within a year.

    The result is country → last year with known holidays.
    """
    last_years = {country: last_known_year(country, today) for country in countries if country}
    return {country: year for country, year in last_years.items() if year is not None}


def _unknown_countries() -> _Part:
    """The texts for countries in Zoho that booksync does not understand, the most frequent first."""
    sql = """
        SELECT country_unknown AS country, count(*) AS customers, sum(count(*)) OVER ()::integer AS total
          FROM booksync.customers_cache
         WHERE connection_id = :connection_id AND status <> 'deleted' AND country_unknown IS NOT NULL
         GROUP BY country_unknown ORDER BY customers DESC, country LIMIT :most_countries
    """

    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        return {
            "unknown_countries": [{"country": each["country"], "customers": each["customers"]} for each in found],
            "customers_with_unknown_country": found[0]["total"] if found else 0,
        }

    return _Part(sql, read, {"most_countries": LONGEST_LIST_OF_COUNTRIES})


def _without_effect() -> _Part:
    return _Part(event_history.WITHOUT_EFFECT.text, lambda _row, found: {"webhook_events": found[0]})


def _flood() -> _Part:
    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        return {"flood": {**found[0], "since": _moment(found[0]["since"])} if found else None}

    return _Part(floods.STANDING.text, read, floods.STANDING_VALUES)


def _held() -> _Part:
    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        counted = [(each["kind"], each["records"], datetime.fromisoformat(each["since"])) for each in found]
        return {"held_deletions": held_deletions.standing_of(counted).as_json()}

    return _Part(held_deletions.standing_counts(), read)


def _distrusted() -> _Part:
    """The lists of the last three runs whose filter or order Zoho ignored: list → how."""
    sql = """
        SELECT DISTINCT ON (list.name) list.name, list.walk ->> 'note' AS note
          FROM (SELECT started_at, position FROM booksync.sync_runs
                 WHERE connection_id = :connection_id ORDER BY started_at DESC LIMIT 3) run
         CROSS JOIN LATERAL jsonb_each(run.position) AS list (name, walk)
         WHERE jsonb_typeof(list.walk) = 'object' AND list.walk ->> 'note' LIKE '%is not honoured%'
         ORDER BY list.name, run.started_at DESC
    """
    return _Part(sql, lambda _row, found: {"distrusted": {each["name"]: each["note"] for each in found}})


def _waiting_invoices() -> _Part:
    return _Part(
        summary.WAITING_INVOICES.text,
        lambda _row, found: {"waiting_invoices": {each["reason"]: each["invoices"] for each in found}},
    )


def _runs(most: int) -> _Part:
    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        times = ("started_at", "finished_at", "not_before")
        return {"runs": [_run_state({**run, **{name: _moment(run[name]) for name in times}}) for run in found]}

    return _Part(summary.RECENT_RUNS.text, read, {"runs": most, "patience": summary.PICK_UP_SECONDS})


_RUN_FIELDS: Final = (
    "mode", "status", "phase", "step", "attempts", "api_calls", "started_at", "finished_at", "seconds"
)  # fmt: skip


def _run_state(run: Mapping[str, Any]) -> dict[str, Any]:
    is_waiting = run["status"] == "running" and (run["is_waiting"] or run["waits_for_worker"])
    return {
        "run_id": run["id"],
        **{name: run[name] for name in _RUN_FIELDS},
        "state": "waiting" if is_waiting else run["status"],
        "resumes_at": run["not_before"],
        "waiting_for": summary.WORKER if run["waits_for_worker"] else _waiting_for(run),
        "reason": run["degraded_reason"] or run["error"],
    }


def _waiting_for(run: Mapping[str, Any]) -> str | None:
    """What a waiting run waits for, with the error because of which it waits."""
    if run["waiting_for"] and run["error"]:
        return f"{run['waiting_for']}: {run['error']}"
    return run["waiting_for"] or None


def _events(most: int) -> _Part:
    def read(_row: Row[Any], found: _Rows) -> dict[str, Any]:
        times = ("modified_at", "received_at")
        return {"events": [{**event, **{name: _moment(event[name]) for name in times}} for event in found]}

    return _Part(event_history.LATEST.text, read, {"events": most})
