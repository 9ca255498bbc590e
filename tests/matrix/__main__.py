"""`python -m tests.matrix`: a whole sync on each combination, unit tests on each Python, and a table of the results.

Exit code 1: a combination failed. What is not to be had on this machine is named and fails nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice, product

from rich.console import Console
from rich.table import Table

from tests.matrix.combinations import Combination, Program
from tests.matrix.programs import BUILD, PROJECT, NotToBeHadError, postgres_programs, pythons, valkey_programs

_CHAIN = "tests/end_to_end/test_chain.py::test_the_first_sync_and_the_second"
_UNIT_TESTS = ("tests/unit", "tests/properties")
_TEST_SECONDS = 1800


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description="A sync on each combination.")
    parser.add_argument("--jobs", type=int, default=2, help="combinations at once (%(default)s)")
    parser.add_argument("--only", default="", help="only combinations whose name has all of these, separated by commas")
    parser.add_argument("--all", action="store_true", help="each Python with each pair of servers, not the first only")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    missing: list[str] = []
    found_pythons, databases, stores = (
        _had(each, missing) for each in (pythons(), postgres_programs(), valkey_programs())
    )
    poolers = [False, True]
    if shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin") is None:
        missing.append("PgBouncer: not installed")
        poolers = [False]
    combinations = [
        each
        for each in _combinations(found_pythons, databases, stores, poolers, has_all=options.all)
        if all(part.strip() in each.name for part in options.only.split(","))
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        chains = dict(zip(combinations, pool.map(lambda each: _chain(each, console), combinations), strict=True))
    used = [python for python in found_pythons if any(each.python == python for each in combinations)]
    units = {python: _unit_tests(python, console) for python in used}
    console.print(_table(chains, units))
    for each in missing:
        console.print(f"Not to be had here: {each}", markup=False)
    return 0 if all(chains.values()) and all(units.values()) and chains else 1


def _combinations(
    found_pythons: Sequence[Program],
    databases: Sequence[Program],
    stores: Sequence[Program],
    poolers: Sequence[bool],
    *,
    has_all: bool,
) -> list[Combination]:
    """All pairs of servers for the first Python; for the others each server once, or all pairs with `has_all`."""
    pairs = list(product(databases, stores))
    each_once = list(islice(zip(cycle(databases), cycle(stores), strict=False), max(len(databases), len(stores))))
    return [
        Combination(python, *pair, is_pooled)
        for place, python in enumerate(found_pythons)
        for pair in (pairs if has_all or place == 0 else each_once)
        for is_pooled in poolers
    ]


def _had(getters: Iterable[Callable[[], Program]], missing: list[str]) -> list[Program]:
    """The programs that can be had; the reasons of the others go into `missing`."""
    had = []
    for get in getters:
        try:
            had.append(get())
        except NotToBeHadError as error:
            missing.append(str(error))
    return had


def _chain(combination: Combination, console: Console) -> bool:
    return _passes(combination.python, combination.name, [_CHAIN], combination.environment, console)


def _unit_tests(python: Program, console: Console) -> bool:
    return _passes(python, f"{python.name}, unit tests", ["--numprocesses", "2", *_UNIT_TESTS], {}, console)


def _passes(
    python: Program, name: str, arguments: Sequence[str], environment: Mapping[str, str], console: Console
) -> bool:
    """Run pytest; the output of a failure is kept in build/matrix/."""
    command = [str(python.path), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TEST_SECONDS,
        check=False,
    )
    is_passed = done.returncode == 0 and " passed" in done.stdout
    console.print(f"{'passed' if is_passed else 'FAILED'}  {name}", markup=False)
    if not is_passed:
        log = BUILD / f"{name.replace(', ', '--').replace(' ', '-')}.log"
        log.write_text(done.stdout)
        console.print(f"        {log.relative_to(PROJECT)}", markup=False)
    return is_passed


def _table(chains: Mapping[Combination, bool], units: Mapping[Program, bool]) -> Table:
    columns = list(dict.fromkeys((each.valkey, each.is_pooled) for each in chains))
    table = Table("Python", "Postgres", title="A first sync, a second one, and the status", padding=(0, 1))
    for valkey, is_pooled in columns:
        table.add_column(f"{valkey.name}{' + PgBouncer' if is_pooled else ''}")
    table.add_column("unit tests")
    for python, postgres in dict.fromkeys((each.python, each.postgres) for each in chains):
        cells = [chains.get(Combination(python, postgres, *column)) for column in columns]
        words = ["" if cell is None else "passed" if cell else "FAILED" for cell in (*cells, units[python])]
        table.add_row(python.name.split()[1], postgres.name.split()[1], *words)
    return table


if __name__ == "__main__":
    sys.exit(main())
