"""docs/operations.md: a test produces each row of the outage table."""

import re
from pathlib import Path

from tests.drills.test_doctor import TROUBLES

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = (PROJECT / "docs" / "operations.md").read_text()
OUTAGES = DOCUMENT.partition("\n## Outages\n")[2].partition("\n## ")[0]
ROWS = [line for line in OUTAGES.splitlines() if line.startswith("| ") and not line.startswith("| state |")]
TESTS = frozenset(
    name
    for path in (PROJECT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)\(", path.read_text())
)


def test_the_table_has_rows() -> None:
    assert len(ROWS) > 30


def test_each_row_names_an_existing_test() -> None:
    named = {row: set(re.findall(r"<!-- (test_\w+) -->", row)) for row in ROWS}
    assert [row for row, tests in named.items() if not tests or not tests <= TESTS] == []


def test_the_table_of_troubles_has_the_names_that_the_drill_checks() -> None:
    table = DOCUMENT.partition("\n## The doctor\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert {frozenset(re.findall(r"`(\w+)`", row[1])) for row in rows} == {
        frozenset(names) for names, _ in TROUBLES.values()
    }
    assert len(rows) == len(TROUBLES) == 25
