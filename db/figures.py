"""Statements for the metrics: the state of all connections in numbers. Labels contain ids only."""

from typing import Any

from sqlalchemy import text

from db.held_deletions import standing_rows
from db.session import Session
from domain.entities import entities

Rows = list[dict[str, Any]]

#: The time limit of each statement of a scrape: a busy Postgres must not delay the scrape for longer.
_LONGEST_STATEMENT = text("SET LOCAL statement_timeout = '5s'")

_CONNECTIONS = text("""
    SELECT c.id::text AS connection, c.organization_id AS organization, c.status,
           coalesce(extract(epoch FROM now() - g.oauth_throttled_since), 0)::float AS throttled_seconds,
           -- A connection that a person has stopped has no ages, so that no alert is raised for it.
           extract(epoch FROM now() - m.last_customer_sync_at)::float AS customers_age,
           extract(epoch FROM now() - m.last_invoice_sync_at)::float AS invoices_age,
           extract(epoch FROM now() - m.last_full_sync_at)::float AS full_age,
           (SELECT count(*) FROM booksync.customers_cache
             WHERE connection_id = c.id AND status <> 'deleted' AND country_unknown IS NOT NULL) AS unknown_countries
      FROM booksync.zoho_connections c
      LEFT JOIN booksync.grants g ON g.id = c.grant_id
      LEFT JOIN sync_metadata m ON m.connection_id = c.id AND c.status IN ('active', 'parked')
     ORDER BY c.created_at, c.id
""")

# Read by the index on (connection_id, started_at), because a month has millions of runs.
_RUNS = text("""
    SELECT c.id::text AS connection, r.mode,
           CASE WHEN r.status = 'running' AND r.not_before > now() THEN 'waiting' ELSE r.status END AS status,
           count(*) AS runs, sum(r.api_calls) AS calls
      FROM booksync.zoho_connections c
      JOIN booksync.sync_runs r ON r.connection_id = c.id AND r.started_at > now() - interval '1 day'
     GROUP BY 1, 2, 3
""")

_OVERDUE = text("""
    SELECT (SELECT count(*) FROM booksync.sync_runs WHERE status = 'running' AND sweep_at <= now()) AS steps,
           coalesce((SELECT extract(epoch FROM now() - min(started_at)) FROM booksync.sync_runs
                      WHERE status = 'running'), 0)::float AS oldest_run_seconds,
           (SELECT count(*) FROM reminders WHERE status = 'scheduled') AS reminders,
           (SELECT count(*) FROM booksync.refreshes WHERE received > handled) AS refreshes
""")

_HELD = """
    SELECT connection_id::text AS connection, kind, count(*) AS records
      FROM ({standing}) standing WHERE dismissed_at IS NULL GROUP BY 1, 2
"""

_WAITING = text("SELECT reason, count(*) AS invoices FROM booksync.waiting_invoices GROUP BY 1 ORDER BY 1")


def begin(db: Session) -> None:
    """Limit the duration of each statement of this transaction, which serves one request for `/metrics`."""
    db.execute(_LONGEST_STATEMENT)


def connections(db: Session) -> Rows:
    """The state of each connection.

    The columns are {connection, organization, status, throttled_seconds, customers_age, invoices_age, full_age,
    unknown_countries}.

    Ages are in seconds, None for never and for a paused or disconnected connection. `throttled_seconds` is the time
    since Zoho's token endpoint began to refuse token requests as too frequent, else 0. `unknown_countries` is the
    number of customers with a country that booksync does not know.
    """
    return [dict(row) for row in db.execute(_CONNECTIONS).mappings()]


def runs_of_a_day(db: Session) -> Rows:
    """The runs started within the last day, as {connection, mode, status, runs, calls}.

    `runs` and `calls` are numbers. A run in progress that waits has the status "waiting".
    """
    return [dict(row) for row in db.execute(_RUNS).mappings()]


def work_ahead(db: Session) -> dict[str, float]:
    """The remaining work of all connections, as {steps, oldest_run_seconds, reminders, refreshes}.

    `steps` is the number of overdue run steps, and `oldest_run_seconds` the age of the oldest run in progress.
    `reminders` is the number of pending reminders, `refreshes` the number of records that wait for a refresh.
    """
    return dict(db.execute(_OVERDUE).one()._mapping)


def waiting_invoices(db: Session) -> dict[str, int]:
    """The number of waiting invoices, by reason."""
    return {row.reason: row.invoices for row in db.execute(_WAITING)}


def held_deletions(db: Session) -> dict[tuple[str, str], int]:
    """The number of records held back from being marked deleted, for each (connection, kind), also where it is 0."""
    counts = {
        (row.id, entity.kind): 0
        for row in db.execute(text("SELECT id::text FROM booksync.zoho_connections ORDER BY created_at, id"))
        for entity in entities()
    }
    return counts | {
        (row.connection, row.kind): row.records for row in db.execute(text(_HELD.format(standing=standing_rows())))
    }
