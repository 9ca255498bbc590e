"""The tables of the commands: aligned within the width of a terminal, one line of values with tabs in a pipe."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from rich.cells import cell_len

from domain.printable import printable
from workers.cli.lines import shortened, wrapped
from workers.cli.terminal import Terminal

_GAP: Final = 2
_BELOW: Final = "    "
_NARROWEST_NAME: Final = 10
_NARROWEST_SENTENCE: Final = 24


class _Kind(Enum):
    WHOLE = auto()  #: an id, a number, a time, a state: on one line and never cut
    NAME = auto()  #: a name: cut at a terminal, if the row does not fit otherwise
    SENTENCE = auto()  #: words: wrapped at a terminal, or below the row


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `whole`, `detail`, `number`, `name` and `sentence` make one."""

    heading: str
    kind: _Kind
    is_right: bool = False
    is_detail: bool = False  #: moves below the row before columns that are not details

    def narrowest(self, width: int) -> int:
        """Return the least width of the column, if `width` is the one of its longest cell."""
        match self.kind:
            case _Kind.WHOLE:
                return width
            case _Kind.NAME:
                return min(width, _NARROWEST_NAME)
            case _Kind.SENTENCE:
                return min(width, _NARROWEST_SENTENCE)


def whole(heading: str) -> Column:
    """A column of ids, times or states, which are never cut."""
    return Column(heading, _Kind.WHOLE)


def detail(heading: str) -> Column:
    """A column of values that are never cut, which move below the row if it does not fit."""
    return Column(heading, _Kind.WHOLE, is_detail=True)


def number(heading: str) -> Column:
    """A column of numbers or amounts, which are never cut."""
    return Column(heading, _Kind.WHOLE, is_right=True)


def name(heading: str) -> Column:
    """A column of names, of which a terminal shows the beginning."""
    return Column(heading, _Kind.NAME)


def sentence(heading: str) -> Column:
    """A column of words, which a terminal wraps, or shows below the row."""
    return Column(heading, _Kind.SENTENCE, is_detail=True)


@dataclass(frozen=True, slots=True)
class Short:
    """A cell with a short form for terminals; a pipe gets the full one."""

    full: str
    shown: str


Cell = str | Short


@dataclass
class Table:
    """Rows of cells under headings. Every row has one cell for each column."""

    columns: Sequence[Column]
    indent: int = 0  #: blanks before each line at a terminal
    _rows: list[tuple[Sequence[Cell], str | None]] = field(default_factory=list)

    def add_row(self, *cells: Cell, style: str | None = None) -> None:
        """Add a row; the style applies at a terminal."""
        self._rows.append((cells, style))

    def print(self, console: Terminal) -> None:
        """Print the rows. If they do not fit a terminal, some columns follow below each row, with their headings."""
        headings = [column.heading for column in self.columns]
        if not console.is_screen:
            console.print_values(headings)
            for cells, _ in self._rows:
                console.print_values(map(_full, cells))
            return
        rows = [[printable(_shown(cell)) for cell in cells] for cells, _ in self._rows]
        layout = _Layout.of(self.columns, rows, console.width - self.indent)
        self._print_lines(console, layout.row(headings), "bold")
        for row, (_, style) in zip(rows, self._rows, strict=True):
            self._print_lines(console, (*layout.row(row), *layout.below(row)), style)

    def _print_lines(self, console: Terminal, lines: Iterable[str], style: str | None) -> None:
        for line in lines:
            console.print(f"{' ' * self.indent}{line}", style=style, soft_wrap=True)


def _full(cell: Cell) -> str:
    return cell.full if isinstance(cell, Short) else cell


def _shown(cell: Cell) -> str:
    return cell.shown if isinstance(cell, Short) else cell


@dataclass(frozen=True)
class _Layout:
    """Which columns are side by side and how wide, and which are below."""

    columns: Sequence[Column]
    widths: dict[int, int]  #: by the position of each column that is side by side with others
    room: int

    @classmethod
    def of(cls, columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> "_Layout":
        natural = {
            place: max([cell_len(column.heading), *(cell_len(row[place]) for row in rows)])
            for place, column in enumerate(columns)
        }
        beside = list(natural)
        narrowest = {place: columns[place].narrowest(width) for place, width in natural.items()}
        while len(beside) > 1 and _total([narrowest[place] for place in beside]) > room:
            beside.remove(_next_below(columns, natural, beside))
        return cls(columns, _widened({place: narrowest[place] for place in beside}, natural, room), room)

    def row(self, cells: Sequence[str]) -> Iterator[str]:
        """Yield the lines of the cells that are side by side; the first line has all but the rest of sentences."""
        blocks = {place: self._lines(place, cells[place]) for place in self.widths}
        for number_of_line in range(max(map(len, blocks.values()))):
            parts = []
            for place, lines in blocks.items():
                part = lines[number_of_line] if number_of_line < len(lines) else ""
                blanks = " " * (self.widths[place] - cell_len(part))
                parts.append(f"{blanks}{part}" if self.columns[place].is_right else f"{part}{blanks}")
            yield (" " * _GAP).join(parts).rstrip()

    def below(self, cells: Sequence[str]) -> Iterator[str]:
        """Yield the lines of the other cells, each with its heading, and several on a line if they fit."""
        below = ""
        for place, column in enumerate(self.columns):
            if place in self.widths or not cells[place]:
                continue
            cell = f"{column.heading}: {cells[place]}"
            if below and cell_len(below) + _GAP + cell_len(cell) <= self.room:
                below += f"{' ' * _GAP}{cell}"
                continue
            yield from self._below_lines(below)
            below = f"{_BELOW}{cell}"
        yield from self._below_lines(below)

    def _below_lines(self, line: str) -> Sequence[str]:
        return wrapped(line, self.room) if line else ()

    def _lines(self, place: int, cell: str) -> list[str]:
        width = self.widths[place]
        return [shortened(cell, width)] if self.columns[place].kind is _Kind.NAME else wrapped(cell, width)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _next_below(columns: Sequence[Column], natural: dict[int, int], beside: Sequence[int]) -> int:
    """Return the column that moves below next: the last detail, else the widest; the first column stays."""
    others = beside[1:]
    details = [place for place in others if columns[place].is_detail]
    return details[-1] if details else max(others, key=lambda place: columns[place].narrowest(natural[place]))


def _widened(widths: dict[int, int], natural: dict[int, int], room: int) -> dict[int, int]:
    """Share the rest of the room among the columns whose cells do not fit yet, the narrowest first."""
    while _total(list(widths.values())) < room:
        narrow = [place for place, width in widths.items() if width < natural[place]]
        if not narrow:
            break
        widths[min(narrow, key=widths.__getitem__)] += 1
    return widths
