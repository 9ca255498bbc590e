"""No Python file is longer than a person reads at once. A longer one hides a concept that has no name yet."""

from itertools import chain

from tests.deployment_files import ROOT

LONGEST = 300
ROOMS = ("workers", "domain", "db", "sandbox", "benchmarks", "tests")


def test_no_file_has_more_than_300_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in chain.from_iterable((ROOT / room).rglob("*.py") for room in ROOMS)
    }
    assert "domain/invoices.py" in lengths
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
