"""The changes that background syncs have made, read from the rows of their runs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow

_RUNS = """
    SELECT finished_at, mode, status, counters, api_calls, coalesce(error, degraded_reason)
      FROM booksync.sync_runs
     WHERE connection_id = %s AND finished_at > %s
     ORDER BY finished_at
"""
_LATEST = "SELECT coalesce(max(finished_at), 'epoch') FROM booksync.sync_runs WHERE connection_id = %s"
_REMINDED = "SELECT count(DISTINCT invoice_id) FROM reminders WHERE user_id = %s AND status = 'scheduled'"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished sync that the scheduler has started."""

    at: datetime
    mode: str
    status: str
    counters: Mapping[str, int]  # Keys such as `customers_updated`.
    api_calls: int
    problem: str | None

    @property
    def is_news(self) -> bool:
        """Whether the run changed anything, or did not succeed."""
        return self.status != "succeeded" or any(self.counters.values())

    def sentence(self) -> str:
        """The run as a sentence: `2 customers updated, 1 invoice new (3 API calls)`."""
        parts = [_counted(name, count) for name, count in sorted(self.counters.items()) if count]
        changed = ", ".join(parts) or "nothing changed"
        calls = f"{self.api_calls} API call{'' if self.api_calls == 1 else 's'}"
        ending = "" if self.status == "succeeded" else f" – {self.status}: {self.problem or 'see the logs'}"
        return f"{changed} ({calls}){ending}"


class Changes:
    """The runs of one connection that finish from now on; each run is reported once."""

    def __init__(self, database_url: str, user_id: uuid.UUID, connection_id: uuid.UUID) -> None:
        self._url = database_url
        self._user_id = user_id
        self._connection_id = connection_id
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._reported_until = self._latest()

    def news(self) -> list[FinishedRun]:
        """The runs that ended since `news` was last called, except those that succeeded without a change.

        The list is empty while the database is unreachable.
        """
        if self._reported_until is None:
            self._reported_until = self._latest()
            return []
        runs = [FinishedRun(*row) for row in self._ask(_RUNS, (self._connection_id, self._reported_until))]
        if runs:
            self._reported_until = runs[-1].at
        return [run for run in runs if run.is_news]

    def reminded_invoices(self) -> int | None:
        """The number of invoices with a planned reminder; None while the database is unreachable."""
        rows = self._ask(_REMINDED, (self._user_id,))
        return int(rows[0][0]) if rows else None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _latest(self) -> datetime | None:
        """The present time by the database's clock; None while the database is unreachable."""
        rows = self._ask(_LATEST, (self._connection_id,))
        return rows[0][0] if rows else None

    def _ask(self, question: str, parameters: tuple[object, ...]) -> list[TupleRow]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
            return self._connection.execute(question.encode(), parameters).fetchall()
        except psycopg.OperationalError:
            self.close()
            return []


def _counted(name: str, count: int) -> str:
    """A counter of a run in words: `customers_updated`, 1 → `1 customer updated`."""
    noun, _, rest = name.partition("_")
    return " ".join(filter(None, (str(count), noun.removesuffix("s") if count == 1 else noun, rest.replace("_", " "))))
