"""The plan for one of the older application's tables: what it lacks, what adoption changes, what prevents adoption."""

from collections.abc import Iterator
from dataclasses import dataclass

from db.legacy import bridge
from db.legacy.counterparts import Counterpart
from db.legacy.suitability import Loosening


@dataclass(frozen=True, slots=True)
class FoundTable:
    """The present state of a legacy table."""

    name: str
    schema: str  #: the host's, quoted where needed
    exists: bool
    rows: int  #: Postgres's estimate of the number of rows
    style: str  #: the style of the columns' names: snake_case or camelCase
    renames: tuple[tuple[str, str], ...]  #: the columns to rename, as (found, wanted)
    columns: tuple[str, ...]  #: all columns of the table, in order
    loosenings: tuple[Loosening, ...]
    counterparts: tuple[Counterpart, ...]  #: booksync's columns to add beside columns of other types
    to_fill: dict[str, str]  #: columns of booksync in which rows lack a value → the columns that have it
    to_require: tuple[str, ...]  #: columns of booksync that become NOT NULL once they are filled
    defaults: tuple[tuple[str, str], ...]  #: (column, the default that booksync counts on)
    keys: tuple[tuple[str, ...], ...]  #: the columns by which booksync finds a row and that lack a unique index
    fill_ins: tuple[str, ...]  #: missing columns, which phase 1 adds
    texts: tuple[str, ...]  #: columns with numbers as text, which phase 1 turns into numbers
    problems: tuple[str, ...]  #: sentences: reasons why the table cannot be adopted

    @property
    def has_view(self) -> bool:
        """Whether adoption makes a view with the old names and types for the application."""
        return bool(self.renames or self.counterparts)

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The columns of that view as (name in the table after the adoption, old name)."""
        renamed = dict(self.renames) | {each.found: each.kept for each in self.counterparts}
        return [(renamed.get(column, column), column) for column in self.columns]

    @property
    def changes(self) -> Iterator[str]:
        """The changes that adoption makes to the legacy table, as sentences."""
        if self.renames:
            names = ", ".join(f"{found} to {wanted}" for found, wanted in self.renames)
            yield f"rename columns of {self.name}: {names}"
        for each in self.counterparts:
            kept = "" if each.kept == each.found else f" as {each.kept}"
            yield (
                f"add the column {self.name}.{each.column} of type {each.kind} for booksync; {each.found} of type"
                f" {each.found_kind} stays{kept}, and a trigger keeps both equal"
            )
        if self.has_view:
            yield (
                f"make the view {bridge.SCHEMA}.{self.name} with the old names, for the legacy application:"
                f" from that moment it needs search_path = {bridge.SCHEMA}, {self.schema}"
            )
        for loosening in self.loosenings:
            yield loosening.sentence
        for column, default in self.defaults:
            yield f"give {self.name}.{column} the default {default}"
        if self.to_fill:
            yield f"fill the new columns of {self.name}, some hundred rows at a time: {', '.join(self.to_fill)}"
        if self.to_require:
            yield f"make columns of {self.name} NOT NULL: {', '.join(self.to_require)}"
        for key in self.keys:
            yield f"build a unique index on {self.name} ({', '.join(key)})"

    @property
    def later_changes(self) -> Iterator[str]:
        """The further changes that phase 1 makes to the legacy table, as sentences."""
        for column in self.fill_ins:
            yield (
                f"in phase 1, add the column {self.name}.{column}, which is missing; the downgrade to legacy drops it"
            )
        for column in self.texts:
            yield (
                f"in phase 1, turn {self.name}.{column} from text into a number; the table is rewritten, and the"
                " application has to write a number from then on; the downgrade to legacy restores every text"
            )
