"""Statements with a limit keep it, whichever plan Postgres chooses for them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

import db
from db import runs, sync_schedule
from db.session import Session
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.db.stepping import begin

_MODULES = sorted(Path(db.__file__).parent.glob("*.py"))

#: A long string, or a condition that one of them contains.
_STATEMENT = re.compile(r'"""(.*?)"""', re.DOTALL)

#: Only these are evaluated once in every plan. Others may be evaluated again for each row of the outer table.
_EVALUATED_ONCE = ("AS MATERIALIZED", "ARRAY(SELECT")


def sweep_one(db: Session) -> Sequence[object]:
    return runs.sweep(db, sweep_seconds=60, limit=1)


def take_one_due(db: Session) -> Sequence[object]:
    db.execute(text("DELETE FROM booksync.sync_runs"))
    return sync_schedule.take_due(db, sync_interval_seconds=60, full_sync_interval_seconds=60, limit=1)


@pytest.mark.parametrize("take_one", [sweep_one, take_one_due])
def test_a_nested_loop_does_not_exceed_the_limit(
    engine: Engine, take_one: Callable[[Session], Sequence[object]]
) -> None:
    for _ in range(3):
        begin(engine, a_connection(engine), sweep_seconds=-30)
    change(engine, "UPDATE booksync.zoho_connections SET next_sync_at = now() - interval '30 seconds'")
    with engine.begin() as db:
        for plan in ("hashjoin", "mergejoin", "material", "hashagg", "sort"):
            db.execute(text(f"SET LOCAL enable_{plan} = off"))
        assert [len(take_one(db)) for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize("module", _MODULES, ids=lambda path: path.name)
def test_limits_of_locking_subqueries_are_evaluated_once(module: Path) -> None:
    repeated = [
        statement
        for statement in _STATEMENT.findall(module.read_text())
        if re.search(r"\bLIMIT\b", statement)
        and "SKIP LOCKED" in statement
        and not any(form in statement for form in _EVALUATED_ONCE)
    ]
    assert repeated == [], "a plan may take more rows than the limit"
