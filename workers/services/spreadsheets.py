"""CSV files that people edit in a spreadsheet program, written so that it runs no cell as a formula and changes none.

A cell that does not begin with a letter is written with an apostrophe before it: '+49 30 …, '0301234567, '=1+1. Without
the apostrophe a spreadsheet runs formulas, drops the plus and leading zeros of numbers, rounds long ids and turns "1/2"
into a date. Reading removes the apostrophe, and accepts cells from which a spreadsheet has dropped it.

Control characters, line ends and direction marks are written as escapes (`\\x1b`, `\\n`) and a backslash as two,
because files are also shown in terminals. Reading a file decodes the escapes. Files hold personal data, so only their
owner may read them.
"""

import csv
import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from domain.errors import BooksyncError
from domain.printable import printable

_GUARD = "'"
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARK = "\ufeff"
_ESCAPE = re.compile(r"\\(?:(\\)|([nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_LINE_ENDS = {"n": "\n", "r": "\r", "t": "\t"}
_OWNER_ONLY = 0o600


class SpreadsheetError(BooksyncError):
    """The file cannot be read as a table; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: the number of its first line, and its cells by the names of their columns."""

    number: int
    cells: Mapping[str, str] = field(repr=False)


def guarded(text: str) -> str:
    """Return the text as a cell that is safe in a spreadsheet and a terminal."""
    shown = printable(text.replace("\\", "\\\\"))
    return shown if not shown or shown[0].isalpha() else _GUARD + shown


def restored(cell: str) -> str:
    """Return the original text of a cell, without the apostrophe and the escapes of `guarded`."""
    return _ESCAPE.sub(_sign, cell.strip().removeprefix(_GUARD).strip())


def _sign(escape: re.Match[str]) -> str:
    backslash, line_end, *codes = escape.groups()
    if backslash or line_end:
        return backslash or _LINE_ENDS[line_end]
    code = int(next(filter(None, codes)), 16)
    return chr(code) if code <= sys.maxunicode else escape[0]


def open_private(path: Path) -> TextIO:
    """Open the file for writing and empty it. Only the file's owner may read it, even if it existed before.

    Raises:
        OSError: the file cannot be written, or belongs to another user.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, _OWNER_ONLY)
    try:
        make_private(descriptor)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def make_private(descriptor: int) -> None:
    """Make the open file readable by its owner only; leave a terminal or a pipe unchanged.

    Raises:
        OSError: the file belongs to another user.
    """
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, _OWNER_ONLY)


def write(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]], *, for_excel: bool) -> None:
    """Write the cells as they are. `for_excel` uses semicolons and a byte order mark, which Excel expects in Europe."""
    if for_excel:
        file.write(_BYTE_ORDER_MARK)
    writer = csv.writer(file, delimiter=_delimiter_for(for_excel=for_excel))
    writer.writerow(columns)
    writer.writerows(rows)


def streamed(columns: Sequence[str], batches: Iterable[Sequence[Sequence[str]]]) -> Iterator[str]:
    """Yield a file for Excel piece by piece: the first line, then a piece for each batch of rows."""
    piece = io.StringIO(newline="")
    write(piece, columns, (), for_excel=True)
    yield piece.getvalue()
    for batch in batches:
        piece = io.StringIO(newline="")
        csv.writer(piece, delimiter=_delimiter_for(for_excel=True)).writerows(batch)
        yield piece.getvalue()


def _delimiter_for(*, for_excel: bool) -> str:
    return ";" if for_excel else ","


def read(path: Path, *, needed: Sequence[str]) -> Sequence[Line]:
    """Return the rows of a file whose first line names the columns. The delimiter may be a comma, semicolon or tab.

    Raises:
        SpreadsheetError: the file cannot be read, or lacks a column.
    """
    try:
        text = _decoded(path.read_bytes())
        delimiter = _delimiter(text, needed)
        return list(_lines(text, delimiter))
    except OSError as error:
        raise SpreadsheetError(f"{path} cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise SpreadsheetError(f"{path} is not a CSV file: {error}") from None


def _decoded(content: bytes) -> str:
    """Decode a file in one of the encodings that spreadsheets write: UTF-8, UTF-16 ("Unicode text") or Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _delimiter(text: str, needed: Sequence[str]) -> str:
    headers = {delimiter: _header(next(_records(text, delimiter), (1, []))[1]) for delimiter in _DELIMITERS}
    found = next((delimiter for delimiter, header in headers.items() if set(needed) <= set(header)), None)
    if found is None:
        widest = max(headers.values(), key=len)
        missing = ", ".join(name for name in needed if name not in widest)
        raise SpreadsheetError(f"The first line must name the columns. Missing: {missing}.")
    return found


def _lines(text: str, delimiter: str) -> Iterator[Line]:
    records = _records(text, delimiter)
    _, names = next(records)
    columns = _header(names)
    for number, record in records:
        cells = [restored(cell) for cell in record]
        if any(cells):
            padded = cells + [""] * (len(columns) - len(cells))
            yield Line(number, dict(zip(columns, padded, strict=False)))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, cells) of each record of the file, without Excel's "sep=;" line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins_at = 1
    for record in reader:
        is_separator = begins_at == 1 and record and record[0].lower().startswith("sep=")
        if not is_separator:
            yield begins_at, record
        begins_at = reader.line_num + 1


def _header(record: Sequence[str]) -> list[str]:
    return ["_".join(restored(name).lower().split()) for name in record]
