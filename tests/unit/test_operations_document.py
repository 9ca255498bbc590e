"""docs/operations.md: a test produces each row of the outage table."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
OUTAGES = (PROJECT / "docs" / "operations.md").read_text().partition("\n## Outages\n")[2].partition("\n## ")[0]
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
