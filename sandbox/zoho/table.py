"""The records of one kind: their current state, the state that lists show, and the bytes of each listed row."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from sandbox.zoho.ordering import Ordering, SortKey

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Pending(Generic[Record]):
    """A change that details show at once and lists only from `visible_at` on. `record` is None for a deletion."""

    visible_at: float
    record_id: int
    record: Record | None


class Table(Generic[Record]):
    """The records of one kind by id, with an index for every column that a call has sorted by.

    Records are immutable. Under the fault `late_visibility` lists go on showing the earlier record for a while.
    """

    def __init__(
        self,
        id_of: Callable[[Record], int],
        columns: Mapping[str, Callable[[Record], SortKey]],
        render: Callable[[Record], dict[str, object]],
    ) -> None:
        self.truth: dict[int, Record] = {}
        self.listed: dict[int, Record] = {}
        self._id_of = id_of
        self._columns = columns
        self._render = render
        self._orderings: dict[str, Ordering] = {}
        self._rows: dict[int, bytes] = {}
        self._pending: list[Pending[Record]] = []
        self._random_ids: list[int] = []

    def put(self, record: Record, visible_at: float | None = None) -> None:
        """Store the record; lists show it at once, or from `visible_at` (on the steady clock) on."""
        record_id = self._id_of(record)
        self.truth[record_id] = record
        self._show_or_hold(record_id, record, visible_at)

    def delete(self, record_id: int, visible_at: float | None = None) -> None:
        del self.truth[record_id]
        self._show_or_hold(record_id, None, visible_at)

    def show_due(self, now: float) -> None:
        """Apply to the lists the changes whose delay has passed."""
        if not self._pending:
            return
        due = [change for change in self._pending if change.visible_at <= now]
        self._pending = [change for change in self._pending if change.visible_at > now]
        for change in due:
            self._show(change.record_id, change.record)

    def ordering(self, column: str) -> Ordering:
        """The index of a column, which is built at its first use."""
        if column not in self._orderings:
            key = self._columns[column]
            self._orderings[column] = Ordering((key(record), rid) for rid, record in self.listed.items())
        return self._orderings[column]

    def random_id(self, rng: random.Random) -> int | None:
        """The id of a random record that lists show, or have shown until recently; None for an empty table."""
        ids = self._random_ids
        if len(ids) != len(self.listed):
            ids = self._random_ids = list(self.listed)
        return rng.choice(ids) if ids else None

    def row(self, record_id: int) -> bytes:
        """The JSON of a listed row, which is rendered once and cached until the record changes."""
        cached = self._rows.get(record_id)
        if cached is None:
            cached = self._rows[record_id] = orjson.dumps(self._render(self.listed[record_id]))
        return cached

    def forget_rows(self) -> None:
        self._rows.clear()

    def _show_or_hold(self, record_id: int, record: Record | None, visible_at: float | None) -> None:
        if visible_at is not None:
            self._pending.append(Pending(visible_at, record_id, record))
            return
        if self._pending:  # The older pending change is removed, because it must not overwrite this newer one later.
            self._pending = [change for change in self._pending if change.record_id != record_id]
        self._show(record_id, record)

    def _show(self, record_id: int, record: Record | None) -> None:
        self._rows.pop(record_id, None)
        if record is None:
            self.listed.pop(record_id, None)
            for ordering in self._orderings.values():
                ordering.discard(record_id)
            return
        self.listed[record_id] = record
        for column, ordering in self._orderings.items():
            ordering.put(record_id, self._columns[column](record))
