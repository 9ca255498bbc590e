"""Promises of db/staged_pages.py: a fetched page is kept exactly until it is written."""

import datetime as dt

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import NoResultFound

from db import staged_pages, staging
from domain.entities import CUSTOMER, INVOICE
from domain.lists import RawPage
from domain.runs import Run
from tests.integration.db.test_staging import run

__all__ = ["run"]

PAGE = RawPage(
    '{"contacts": [{"contact_name": "Ada Lovelace \u00e9"}]}'.encode() * 100,
    dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 2, 11, 0, 1, 250_000, tzinfo=dt.UTC),
)


def stage(engine: Engine, run: Run, number: int, page: RawPage | None) -> None:
    with engine.begin() as db:
        staged_pages.stage(db, run.run_id, CUSTOMER, number, page)


def test_a_staged_page_is_returned_exactly(engine: Engine, run: Run) -> None:
    stage(engine, run, 1, PAGE)
    with engine.connect() as db:
        assert staged_pages.staged(db, run.run_id, CUSTOMER, 1) == PAGE


def test_a_page_that_zoho_refused_is_none(engine: Engine, run: Run) -> None:
    stage(engine, run, 1, None)
    with engine.connect() as db:
        assert staged_pages.staged(db, run.run_id, CUSTOMER, 1) is None


def test_a_page_staged_again_replaces_the_former_one(engine: Engine, run: Run) -> None:
    stage(engine, run, 1, None)
    stage(engine, run, 1, PAGE)
    with engine.connect() as db:
        assert staged_pages.staged(db, run.run_id, CUSTOMER, 1) == PAGE


def test_written_pages_are_removed_and_later_ones_stay(engine: Engine, run: Run) -> None:
    for number in (1, 2, 3):
        stage(engine, run, number, PAGE)
    with engine.begin() as db:
        staged_pages.remove(db, run.run_id, INVOICE, 3)
        staged_pages.remove(db, run.run_id, CUSTOMER, 2)
    with engine.connect() as db:
        assert staged_pages.staged(db, run.run_id, CUSTOMER, 3) == PAGE
        with pytest.raises(NoResultFound):
            staged_pages.staged(db, run.run_id, CUSTOMER, 2)


def test_an_ended_run_keeps_no_page(engine: Engine, run: Run) -> None:
    stage(engine, run, 1, PAGE)
    with engine.begin() as db:
        staging.clear(db, run.run_id)
    with engine.connect() as db, pytest.raises(NoResultFound):
        staged_pages.staged(db, run.run_id, CUSTOMER, 1)


def test_the_repr_of_a_page_has_no_personal_data() -> None:
    assert "Ada" not in repr(PAGE)
