"""Statements that read what only a connection's own page shows: webhook health, verification, rows and past runs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from db import verifications
from db.connections import UnknownConnectionError
from db.event_history import IS_ZOHOS
from db.session import Session
from db.verifications import VerificationProgress
from db.webhook_secrets import FORMER_SECRET_DAYS, HOUR, HOURS_KEPT
from domain.runs import Counters, RunStatus


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """When webhooks of a connection were last accepted and refused, and the age of its secret."""

    has_secret: bool
    rotated_at: datetime | None
    former_until: datetime | None  #: until when the former secret is accepted; None if no rotation is in progress
    accepted_at: datetime | None  #: the last stored event; old events are pruned
    refused: int
    refused_since: datetime | None
    refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookHour:
    """The events that webhooks brought in an hour, and the webhooks that were refused in it."""

    begins_at: datetime
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rejected rows of one kind, with the same reason."""

    kind: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """What only a connection's own page shows, at the time `now` of Postgres's clock."""

    webhook: WebhookHealth
    webhook_hours: Sequence[WebhookHour]  #: of the last day, those with a webhook, the earliest first
    verification: VerificationProgress | None  #: the last one; None without one
    rejected: Sequence[RejectedRows]  #: the most frequent first
    rows_written: Mapping[str, int]  #: run id → the rows that the run has added or changed, for the last runs
    own_name: str | None
    currency_code: str | None
    fully_synced_at: datetime | None
    now: datetime


#: The reasons of rejected rows that a person sees.
_REASONS_SHOWN: Final = 10

#: SQL: the event came by a webhook. booksync stores events of its own, too.

_FORMER_UNTIL = f"c.webhook_secret_rotated_at + make_interval(days => {FORMER_SECRET_DAYS})"

_VIEW = text(f"""
    SELECT c.own_name, c.currency_code, m.last_full_sync_at AS fully_synced_at, clock_timestamp() AS now,
           c.webhook_secret_encrypted IS NOT NULL AS has_secret, c.webhook_secret_rotated_at AS rotated_at,
           CASE WHEN c.webhook_secret_previous_encrypted IS NOT NULL AND {_FORMER_UNTIL} > now()
                THEN {_FORMER_UNTIL} END AS former_until,
           (SELECT event.received_at FROM booksync.webhook_events AS event
             WHERE event.connection_id = c.id AND {IS_ZOHOS} ORDER BY event.received_at DESC LIMIT 1) AS accepted_at,
           (SELECT coalesce(jsonb_object_agg(hour, events), '{{}}')
              FROM (SELECT {HOUR.format("event.received_at")} AS hour, count(*) AS events
                      FROM booksync.webhook_events AS event
                     WHERE event.connection_id = c.id AND {IS_ZOHOS}
                       AND event.received_at > now() - make_interval(hours => {HOURS_KEPT})
                     GROUP BY 1) AS counted) AS accepted_by_hour,
           c.webhooks_refused_by_hour AS refused_by_hour,
           c.webhooks_refused AS refused, c.webhooks_refused_since AS refused_since,
           c.webhooks_refused_last_at AS refused_at, {verifications.AS_JSON} AS verification,
           (SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY rows DESC, kind, reason), '[]')
              FROM (SELECT kind, reason, count(*) AS rows FROM booksync.rejected_records
                     WHERE connection_id = c.id GROUP BY 1, 2 ORDER BY rows DESC, kind, reason LIMIT :reasons) r
           ) AS rejected,
           (SELECT coalesce(jsonb_object_agg(id, counters), '{{}}')
              FROM (SELECT id, counters FROM booksync.sync_runs
                     WHERE connection_id = c.id ORDER BY started_at DESC LIMIT :runs) r) AS counters
      FROM booksync.zoho_connections c
      LEFT JOIN sync_metadata m ON m.connection_id = c.id
     WHERE c.id = :connection_id
""")  # noqa: S608


def view_of(db: Session, connection_id: uuid.UUID, *, runs: int) -> ConnectionView:
    """What only the connection's own page shows, with the rows that its last `runs` have written.

    Raises:
        UnknownConnectionError: the connection does not exist.
    """
    values = {"connection_id": connection_id, "reasons": _REASONS_SHOWN, "runs": runs}
    row = db.execute(_VIEW, values).one_or_none()
    if row is None:
        raise UnknownConnectionError(f"There is no connection {connection_id}.")
    return ConnectionView(
        webhook=WebhookHealth(**{name: getattr(row, name) for name in WebhookHealth.__slots__}),
        webhook_hours=_webhook_hours(row.accepted_by_hour, row.refused_by_hour, row.now),
        verification=verifications.progress_from(row.verification, now=row.now),
        rejected=[RejectedRows(**each) for each in row.rejected],
        rows_written={run_id: Counters.from_json(counters).written for run_id, counters in row.counters.items()},
        own_name=row.own_name,
        currency_code=row.currency_code,
        fully_synced_at=row.fully_synced_at,
        now=row.now,
    )


def _webhook_hours(accepted: Mapping[str, int], refused: Mapping[str, int], now: datetime) -> Sequence[WebhookHour]:
    """Join the numbers of the last day's hours, by the hours since 1970. Refusals may be kept for longer."""
    last = int(now.timestamp() // 3600)
    return [
        WebhookHour(datetime.fromtimestamp(hour * 3600, UTC), accepted.get(str(hour), 0), refused.get(str(hour), 0))
        for hour in range(last - HOURS_KEPT + 1, last + 1)
        if str(hour) in accepted or str(hour) in refused
    ]


@dataclass(frozen=True, slots=True)
class Hour:
    """What the runs that began in an hour have cost and written."""

    begins_at: datetime
    api_calls: int
    rows_written: int
    succeeded_at: datetime | None  #: the end of the last successful one


_WRITTEN: Final = " + ".join(f"coalesce((counters ->> '{key}')::bigint, 0)" for key in Counters().to_json())

_HOURS = text(f"""
    SELECT date_trunc('hour', started_at) AS begins_at, sum(api_calls)::bigint AS api_calls,
           sum({_WRITTEN})::bigint AS rows_written,
           max(finished_at) FILTER (WHERE status = '{RunStatus.SUCCEEDED}') AS succeeded_at
      FROM booksync.sync_runs
     WHERE connection_id = :connection_id AND started_at > now() - make_interval(days => :days)
     GROUP BY 1 ORDER BY 1
""")  # noqa: S608  (constants)


def hours(db: Session, connection_id: uuid.UUID, *, days: int) -> Sequence[Hour]:
    """The hours of the last `days` in which runs of the connection began, the earliest first."""
    return [Hour(**row._asdict()) for row in db.execute(_HOURS, {"connection_id": connection_id, "days": days})]


def any_customer(db: Session, connection_id: uuid.UUID) -> str | None:
    """Zoho's id of any cached customer of the connection that is not deleted; None without one."""
    found: str | None = db.execute(
        text("""
            SELECT zoho_customer_id FROM booksync.customers_cache
             WHERE connection_id = :connection_id AND status = 'active' LIMIT 1
        """),
        {"connection_id": connection_id},
    ).scalar()
    return found
