"""Promises of services/spreadsheets.py: a text survives a spreadsheet unchanged, and no text is run as a formula."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.printable import printable
from tests.tables import table
from workers.services.spreadsheets import SpreadsheetError, guarded, open_private, read, restored, streamed, write

NEEDED = ("customer_id", "note")


def file_of(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "edited.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(tmp_path: Path, content: str | bytes) -> list[dict[str, str]]:
    return [dict(line.cells) for line in read(file_of(tmp_path, content), needed=NEEDED)]


#: Texts as booksync caches them: without blanks around them.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(str.strip)


@given(TEXTS)
def test_escaped_text_is_restored(text: str) -> None:
    assert restored(guarded(text)) == text


@table("text", ["=1+1", "+49 30 1234567", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "'=1"])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert guarded(text).startswith("'")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("\x1b[2Jx", "'\\x1b[2Jx"),
        ("a\x9bb", "a\\x9bb"),
        ("\u202d+44 20 7031 3000\u202c", "'\\u202d+44 20 7031 3000\\u202c"),  # as Windows copies a number
        ("a\r\nb\u2028c", "a\\r\\nb\\u2028c"),
        ("a\\nb", "a\\\\nb"),  # a backslash and an n
    ],
)
def test_controls_are_escaped_in_the_file_and_restored(text: str, cell: str) -> None:
    assert guarded(text) == cell
    assert restored(cell) == text


@pytest.mark.parametrize("cell", ["a\\", "a\\q", "\\x1", "\\U99999999", "C:\\data"])
def test_backslash_in_a_text_is_kept(cell: str) -> None:
    assert restored(cell) == cell


@given(TEXTS)
def test_cell_is_one_line_without_terminal_controls(text: str) -> None:
    assert printable(guarded(text)) == guarded(text)


@pytest.mark.parametrize("text", ["0301234567", "4600000000260490001", "1/2", "1E5", "(030) 123"])
def test_no_text_becomes_a_number_or_a_date(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("for_excel", [True, False])
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_written_file_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]], for_excel: bool
) -> None:
    written = io.StringIO(newline="")
    write(written, NEEDED, [tuple(map(guarded, row)) for row in texts], for_excel=for_excel)
    path = file_of(tmp_path_factory.mktemp("csv"), written.getvalue())
    read_back = [tuple(line.cells.values()) for line in read(path, needed=NEEDED)]
    assert read_back == [row for row in texts if any(row)]


@pytest.mark.parametrize(
    "content",
    [
        "customer_id,note\n5001,Müller\n",
        # Semicolons, line ends and the byte order mark of Excel.
        "\ufeffcustomer_id;note\r\n5001;Müller\r\n",
        "sep=;\r\ncustomer_id;note\r\n5001;Müller\r\n",
        # "Unicode text": tabs in UTF-16.
        "customer_id\tnote\r\n5001\tMüller\r\n".encode("utf-16"),
        # A Windows code page.
        "customer_id;note\r\n5001;Müller\r\n".encode("cp1252"),
        # Quotes, other columns, names in other letters, empty rows, an apostrophe, no line end.
        '"Customer ID","other","Note"\n"\'5001","x","Müller"\n,,\n\n',
        "note,customer_id\nMüller,5001",
    ],
)
def test_files_of_all_spreadsheet_programs_are_read(tmp_path: Path, content: str | bytes) -> None:
    (found,) = cells(tmp_path, content)
    assert (found["customer_id"], found["note"]) == ("5001", "Müller")


def test_a_row_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, 'customer_id,note\n1,"two\nlines"\n2,x\n')
    assert [line.number for line in read(path, needed=NEEDED)] == [2, 4]


def test_a_short_row_has_empty_cells(tmp_path: Path) -> None:
    assert cells(tmp_path, "customer_id,note\n5001\n") == [{"customer_id": "5001", "note": ""}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "Missing: customer_id, note"),
        ("customer_id,confirmed\n1,yes\n", "Missing: note"),
        (f"customer_id,note\n1,{'x' * (csv.field_size_limit() + 1)}\n", "not a CSV file"),
    ],
)
def test_file_without_a_table_is_refused_in_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(SpreadsheetError, match=words):
        cells(tmp_path, content)


@pytest.mark.parametrize("mode", [None, 0o644, 0o666], ids=["new", "there before", "open to all"])
def test_written_file_is_readable_only_by_its_owner(tmp_path: Path, mode: int | None) -> None:
    path = tmp_path / "numbers.csv"
    if mode is not None:
        path.write_text("something longer than what follows")
        path.chmod(mode)
    with open_private(path) as file:
        file.write("number")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "number"


def test_special_file_is_written_directly(tmp_path: Path) -> None:
    before = Path("/dev/null").stat().st_mode
    with open_private(Path("/dev/null")) as file:
        file.write("number")
    assert Path("/dev/null").stat().st_mode == before


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpreadsheetError, match="cannot be read: No such file"):
        read(tmp_path / "none.csv", needed=NEEDED)


def test_a_streamed_file_is_read_as_it_was_given(tmp_path: Path) -> None:
    batches = [[("=1+1", "Ada; Byron")], [], [("+44 20", "")]]
    pieces = list(streamed(("number", "name"), [[tuple(map(guarded, row)) for row in batch] for batch in batches]))
    assert len(pieces) == 4
    file = tmp_path / "streamed.csv"
    file.write_text("".join(pieces), "utf-8", newline="")
    found = [dict(line.cells) for line in read(file, needed=["number", "name"])]
    assert found == [{"number": "=1+1", "name": "Ada; Byron"}, {"number": "+44 20", "name": ""}]
