"""CSV files that people open in a spreadsheet and send back: no cell is run as a formula or changed on the way.

A cell that does not begin with a letter is written with an apostrophe before it: '+49 30 …, '0301234567, '=1+1. Without
one a spreadsheet runs formulas, drops the plus and leading zeros of numbers, rounds long ids and makes dates of "1/2".
The apostrophe is taken away again when the file is read; one that a spreadsheet has dropped is not missed.

Controls, line ends and marks of direction are written as escapes (`\\x1b`, `\\n`) and a backslash as two, because files
are also shown in terminals. Reading undoes that. Files hold personal data: only their owner may read them.
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

from domain.printable import printable

_GUARD = "'"
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARK = "\ufeff"
_ESCAPE = re.compile(r"\\(?:(\\)|([nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_LINE_ENDS = {"n": "\n", "r": "\r", "t": "\t"}
_OWNER_ONLY = 0o600


class SpreadsheetError(Exception):
    """The file cannot be read as a table: the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: the number of its first line, and its cells by the names of their columns."""

    number: int
    cells: Mapping[str, str] = field(repr=False)


def guarded(text: str) -> str:
    """The text as a cell that a spreadsheet and a terminal leave alone."""
    shown = printable(text.replace("\\", "\\\\"))
    return shown if not shown or shown[0].isalpha() else _GUARD + shown


def restored(cell: str) -> str:
    """The text of a cell."""
    return _ESCAPE.sub(_sign, cell.strip().removeprefix(_GUARD).strip())


def _sign(escape: re.Match[str]) -> str:
    backslash, line_end, *codes = escape.groups()
    if backslash or line_end:
        return backslash or _LINE_ENDS[line_end]
    code = int(next(filter(None, codes)), 16)
    return chr(code) if code <= sys.maxunicode else escape[0]


def open_private(path: Path) -> TextIO:
    """The file, emptied, for writing. Only its owner may read it, also where it was there before.

    Raises:
        OSError: it cannot be written, or belongs to another user.
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
    """Only the owner may read the open file; a terminal or a pipe stays as it is.

    Raises:
        OSError: the file belongs to another user.
    """
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, _OWNER_ONLY)


def write(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]], *, for_excel: bool) -> None:
    """Writes cells as they are given. For Excel with semicolons and a byte order mark, as it opens files in Europe."""
    if for_excel:
        file.write(_BYTE_ORDER_MARK)
    writer = csv.writer(file, delimiter=";" if for_excel else ",")
    writer.writerow(columns)
    writer.writerows(rows)


def read(path: Path, *, needed: Sequence[str]) -> Sequence[Line]:
    """The rows of a file whose first line names the columns. Commas, semicolons and tabs are recognised.

    Raises:
        SpreadsheetError: it cannot be read, or lacks a column.
    """
    try:
        text = _decoded(path.read_bytes())
        delimiter = _delimiter(text, needed)
        return list(_lines(text, delimiter))
    except OSError as error:
        raise SpreadsheetError(f"{path} cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise SpreadsheetError(f"{path} is no CSV file: {error}") from None


def _decoded(content: bytes) -> str:
    """A spreadsheet writes UTF-8, UTF-16 ("Unicode text") or the Windows code page of Western Europe."""
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
    """(number of its first line, cells) of each record, without Excel's "sep=;"."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins_at = 1
    for record in reader:
        is_separator = begins_at == 1 and record and record[0].lower().startswith("sep=")
        if not is_separator:
            yield begins_at, record
        begins_at = reader.line_num + 1


def _header(record: Sequence[str]) -> list[str]:
    return ["_".join(restored(name).lower().split()) for name in record]
