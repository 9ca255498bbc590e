"""The cached records of a connection, with the reminders and the waiting invoices."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg

from domain.home import Home
from domain.invoices import DELETED
from domain.reminders.opening import Backlog, Opening

Row = dict[str, Any]


@dataclass(frozen=True)
class Cached:
    """The cached records of a connection."""

    home: Home
    opening: Opening
    customers: Sequence[Row]
    invoices: Sequence[Row]
    skipped: Sequence[Row]
    reminders: Sequence[Row]

    @classmethod
    def of(cls, cursor: "psycopg.Cursor[Row]", organization_id: str, connection_id: uuid.UUID | str | None) -> "Cached":
        links = cursor.execute(
            "SELECT * FROM booksync.zoho_connections WHERE organization_id = %(organization)s "
            "AND id = coalesce(%(id)s, id)",
            {"organization": organization_id, "id": connection_id},
        ).fetchall()
        assert len(links) == 1, f"{len(links)} connections to organisation {organization_id}"
        (connection,) = links

        def rows(table: str) -> list[Row]:
            return cursor.execute(f"SELECT * FROM {table} WHERE connection_id = %s", [connection["id"]]).fetchall()

        reminders = cursor.execute(
            "SELECT * FROM reminders WHERE invoice_id IN (SELECT id FROM invoices_cache WHERE connection_id = %s)",
            [connection["id"]],
        ).fetchall()
        home = Home(connection["country_code"], connection["time_zone"])
        opening = Opening(
            connection["handover_opened_at"], with_backlog=connection["handover_backlog"] == Backlog.LATEST
        )
        return cls(
            home,
            opening,
            rows("booksync.customers_cache"),
            rows("invoices_cache"),
            rows("booksync.waiting_invoices"),
            reminders,
        )

    @cached_property
    def names(self) -> Mapping[str, set[str]]:
        """The names of the live customers by phone number."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self.customers:
            if row["status"] != DELETED and row["primary_phone"] is not None:
                found[row["primary_phone"]].add(row["customer_name"].strip(" ").lower())
        return found

    @cached_property
    def owners(self) -> Mapping[uuid.UUID, Row]:
        """The customers by booksync's own id."""
        return {row["id"]: row for row in self.customers}


def unlike(what: str, expected: Row, row: Row) -> Iterator[str]:
    columns = [column for column, value in expected.items() if row[column] != value]
    if columns:
        yield f"{what}: {', '.join(columns)}"
