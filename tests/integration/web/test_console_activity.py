"""The console's page of activity, and how actions are recorded: done, refused, failed, killed."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from db import activity
from domain.activity import Action, ActionState
from domain.errors import BooksyncError
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, rows
from tests.integration.statements import at_most
from tests.integration.web.console_browser import ConsoleBrowser
from workers.boot.basics import Basics
from workers.cli.app import app
from workers.services.activity import begin, recorded
from workers.web.console import activity as page


def recorded_actions(engine: Engine) -> list[tuple[Any, ...]]:
    found = rows(
        engine, "SELECT operator, action, state, reason, note FROM booksync.operator_actions ORDER BY began_at, id"
    )
    return [tuple(each.values()) for each in found]


def test_each_end_of_an_action_is_recorded(basics: Basics, engine: Engine) -> None:
    with recorded(basics, "ana", Action.PAUSE, note="holidays"):
        pass
    with pytest.raises(BooksyncError), recorded(basics, "ana", Action.RESUME):
        raise BooksyncError("It is not paused.")
    with pytest.raises(ZeroDivisionError), recorded(basics, "ana", Action.SYNC):
        raise ZeroDivisionError
    begin(basics, "ana", Action.VERIFY)  # The process is killed here.
    assert recorded_actions(engine) == [
        ("ana", "pause", "done", "", "holidays"),
        ("ana", "resume", "refused", "It is not paused.", ""),
        ("ana", "sync", "failed", "", ""),
        ("ana", "verify", "begun", "", ""),
    ]


def test_the_page_shows_the_latest_first_page_by_page(
    ana: ConsoleBrowser, engine: Engine, basics: Basics, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = a_connection(engine)
    hostile = "<script>alert(1)</script>\u202e" + "x" * 500
    for note in (hostile, "two", "three"):
        with recorded(basics, "olga", Action.PAUSE, connection_id=connection.connection_id, note=note):
            pass
    monkeypatch.setattr(page, "ROWS", 2)
    shown = ana.get("/activity").text
    assert shown.index("three") < shown.index("two")
    following = re.search(r'href="\.(/activity[^"]+)" rel="next"', shown)
    assert following is not None
    older = ana.get(following[1]).text
    assert "<script>alert" not in older
    assert "sign-in" in older
    only = ana.get(f"/activity?connection={connection.connection_id}").text
    assert "three" in only
    assert "sign-in<" not in only
    with at_most(6):
        ana.get("/activity")


@pytest.mark.parametrize("path", ["?connection=x", "?after=x", "/x", f"/{uuid.UUID(int=0)}"])
def test_a_malformed_address_is_a_page_that_does_not_exist(ana: ConsoleBrowser, path: str) -> None:
    assert ana.get(f"/activity{path}").status_code == 404


def test_the_command_line_records_its_actions(engine: Engine) -> None:
    connection_id = str(a_connection(engine).connection_id)
    assert CliRunner().invoke(app, ["pause", connection_id, "--reason", "holidays"]).exit_code == 0
    assert CliRunner().invoke(app, ["do-not-call", "add", "+442070313000", "--user", "9"]).exit_code == 2
    assert recorded_actions(engine) == [
        ("command line", "pause", "done", "", "holidays"),
        (
            "command line",
            "add do-not-call number",
            "refused",
            "The command was refused, because its arguments do not fit.",
            "",
        ),
    ]


def test_old_actions_are_deleted_and_erased_connections_leave_no_words(engine: Engine, basics: Basics) -> None:
    connection_id = a_connection(engine).connection_id
    with recorded(basics, "ana", Action.PAUSE, connection_id=connection_id, subject="customer 7", note="private"):
        pass
    with engine.begin() as db:
        activity.forget(db, connection_id)
        (found,) = activity.listed(db, limit=9)
        assert (found.operator, found.state, found.subject, found.note) == ("ana", ActionState.DONE, "", "")
    change(engine, "UPDATE booksync.operator_actions SET began_at = now() - interval '366 days'")
    with engine.begin() as db:
        assert activity.prune(db, days=365, limit=10) == 1
