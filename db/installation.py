"""The facts about the whole installation that the console's overview needs at each look, by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from db import api_use, event_history, key_canary, processes, scheduler_marks, server, server_health
from db.migrations.revisions import LAST_ADDITION
from db.server import ServerFacts
from db.server_health import ServerHealth
from db.session import Session
from domain.dead_letters import DeadLetterStatus
from domain.processes import Processes

_GROUPS_SHOWN: Final = 5

#: Webhook events are counted by outcome only if Postgres estimates fewer, because a count reads every event.
_MOST_EVENTS_COUNTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Open dead letters of one actor with the same error."""

    fingerprint: str
    actor: str
    error: str
    dead_letters: int


@dataclass(frozen=True, slots=True)
class InstallationFacts:
    """What Postgres knows about the installation."""

    now: datetime
    backend: int  #: the process id of the server's backend
    server: ServerFacts
    health: ServerHealth
    tables_without_rights: Sequence[str]  #: that the web process's role cannot read
    revision: str | None
    has_last_addition: bool
    processes: Processes
    scheduler_silent_seconds: float | None
    secret: str | None = field(repr=False)  #: the key canary or a stored secret, encrypted
    dead_letters: int
    oldest_dead_letter_at: datetime | None
    dead_letter_groups: Sequence[DeadLetterGroup]  #: the largest ones
    oldest_event_seconds: float
    events: dict[str, int]  #: outcome → stored webhook events; empty if they are many
    organizations_with_calls: Sequence[str]
    zoho_ahead_seconds: float | None


_OPEN: Final = f"status = '{DeadLetterStatus.OPEN}'"

_GROUPS: Final = f"""
    SELECT fingerprint, actor_name AS actor, count(*) AS dead_letters,
           (array_agg(error ORDER BY last_died_at DESC))[1] AS error
      FROM booksync.dead_letters WHERE {_OPEN}
     GROUP BY fingerprint, actor_name ORDER BY count(*) DESC, max(last_died_at) DESC LIMIT {_GROUPS_SHOWN}
"""  # noqa: S608

_EVENTS: Final = f"""
    CASE WHEN (SELECT reltuples FROM pg_class WHERE oid = to_regclass('booksync.webhook_events'))
              < {_MOST_EVENTS_COUNTED}
         THEN (SELECT json_object_agg(outcome, events) FROM ({event_history.COUNTS}) counted) END
"""  # noqa: S608

_FACTS: Final = text(f"""
    SELECT facts.*, process.*
      FROM (SELECT clock_timestamp() AS now, pg_backend_pid() AS backend,
                   (SELECT to_json(found) FROM ({server.FACTS.text}) found) AS server,
                   (SELECT to_json(found) FROM ({server_health.HEALTH.text}) found) AS health,
                   ARRAY({server_health.MISSING_RIGHTS_OF_WEB.text}) AS tables_without_rights,
                   (SELECT version_num FROM booksync.booksync_alembic_version) AS revision,
                   ({LAST_ADDITION.text}) IS NOT NULL AS has_last_addition,
                   ({scheduler_marks.SECONDS_SINCE}) AS scheduler_silent_seconds,
                   coalesce(({key_canary.CIPHERTEXT}), ({key_canary.OTHER_CIPHERTEXT})) AS secret,
                   (SELECT count(*) FROM booksync.dead_letters WHERE {_OPEN}) AS dead_letters,
                   (SELECT min(first_died_at) FROM booksync.dead_letters WHERE {_OPEN}) AS oldest_dead_letter_at,
                   (SELECT json_agg(found) FROM ({_GROUPS}) found) AS dead_letter_groups,
                   ({event_history.OLDEST_WAITING}) AS oldest_event_seconds,
                   {_EVENTS} AS events,
                   ARRAY({api_use.WITH_RECENT_CALLS}) AS organizations_with_calls,
                   ({server_health.RECORDED_CLOCK.text}) AS zoho_ahead_seconds) facts
      LEFT JOIN booksync.processes process ON true
     ORDER BY kind, host, pid, started_at
""")  # noqa: S608  (constants)


def read(db: Session) -> InstallationFacts:
    """Read the facts. The schema must have the tables that this release needs."""
    rows = db.execute(_FACTS, {"name": scheduler_marks.TICK}).all()
    found: dict[str, Any] = {
        name: rows[0]._mapping[name] for name in InstallationFacts.__slots__ if name != "processes"
    }
    silent = found["scheduler_silent_seconds"]
    return InstallationFacts(
        **found
        | {
            "server": ServerFacts(**found["server"]),
            "health": ServerHealth(**found["health"]),
            "processes": processes.processes_of(rows),
            "scheduler_silent_seconds": None if silent is None else max(0.0, silent),
            "dead_letter_groups": [DeadLetterGroup(**group) for group in found["dead_letter_groups"] or ()],
            "oldest_event_seconds": max(0.0, found["oldest_event_seconds"] or 0.0),
            "events": found["events"] or {},
        }
    )
