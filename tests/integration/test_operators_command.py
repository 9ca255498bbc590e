"""`booksync operators`: adds, changes, disables and lists the operators of the console."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from db import activity
from domain.operators import OperatorNameError, OperatorPasswordError, Role
from workers.boot.resources import Resources
from workers.boot.settings import settings
from workers.cli.app import app
from workers.services.connect_links import NoPublicUrlError
from workers.services.operators import (
    NoSuchOperatorError,
    PasswordNeededError,
    authenticate,
    disable_operator,
    save_operator,
)
from workers.services.sign_in_links import NoOneSignsInError

PASSWORD = "a long enough password"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def operators(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ("operators", *words), input=given)


def add(name: str = "ana", role: str = "viewer", *words: str, password: str = PASSWORD) -> Result:
    return operators("add", name, "--role", role, "--password", "-", *words, given=f"{password}\n")


def listed() -> list[dict[str, Any]]:
    result = operators("list", "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["operators"]
    return found


def stamps(resources: Resources) -> set[str]:
    with resources.engine.connect() as db:
        return {str(row.session_stamp) for row in db.execute(text("SELECT session_stamp FROM booksync.operators"))}


def test_an_added_operator_can_sign_in_and_the_password_is_never_shown(resources: Resources) -> None:
    result = add("Ana", "viewer", "--json")
    assert json.loads(result.stdout) == {"name": "ana", "role": "viewer", "outcome": "added"}
    operator = authenticate(resources, " ANA", PASSWORD)
    assert operator is not None
    assert (operator.name, operator.role) == ("ana", Role.VIEWER)
    assert PASSWORD not in result.output + operators("list").output
    with resources.engine.connect() as db:
        stored = db.execute(text("SELECT password_hash FROM booksync.operators")).scalar_one()
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize(("name", "password"), [("ana", "another password"), ("ben", PASSWORD), ("", ""), ("ana", "")])
def test_a_wrong_name_or_password_is_refused(resources: Resources, name: str, password: str) -> None:
    add()
    assert authenticate(resources, name, password) is None


def test_a_password_with_more_than_the_longest_is_wrong(resources: Resources) -> None:
    assert add(password="x" * 1000).exit_code == 0
    assert authenticate(resources, "ana", "x" * 1001) is None
    assert authenticate(resources, "ana", "x" * 1000) is not None


def test_adding_again_changes_the_role_and_keeps_the_password(resources: Resources) -> None:
    add()
    before = stamps(resources)
    assert "ana is changed" in operators("add", "ana", "--role", "accountant").stdout
    operator = authenticate(resources, "ana", PASSWORD)
    assert operator is not None
    assert operator.role is Role.ACCOUNTANT
    assert stamps(resources).isdisjoint(before)


def test_adding_again_changes_the_password(resources: Resources) -> None:
    add()
    before = stamps(resources)
    assert add(password="another password").exit_code == 0
    assert authenticate(resources, "ana", PASSWORD) is None
    assert authenticate(resources, "ana", "another password") is not None
    assert stamps(resources).isdisjoint(before)


def test_adding_again_without_a_change_ends_no_session(resources: Resources) -> None:
    add()
    before = stamps(resources)
    assert json.loads(operators("add", "ana", "--role", "viewer", "--json").stdout)["outcome"] == "unchanged"
    assert stamps(resources) == before


def test_a_disabled_operator_needs_a_new_password_to_come_back(resources: Resources) -> None:
    add()
    before = stamps(resources)
    assert json.loads(operators("disable", "Ana", "--json").stdout) == {"name": "ana", "outcome": "disabled"}
    assert authenticate(resources, "ana", PASSWORD) is None
    assert stamps(resources).isdisjoint(before)
    assert [each["disabled_at"] is None for each in listed()] == [False]

    assert operators("add", "ana", "--role", "viewer", given="").exit_code == 2
    with pytest.raises(PasswordNeededError):
        save_operator(resources, "ana", Role.OPERATOR, None)

    assert add(password="another password").exit_code == 0
    assert authenticate(resources, "ana", "another password") is not None


def test_a_password_comes_from_the_environment(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKSYNC_OPERATOR_PASSWORD", PASSWORD)
    assert operators("add", "ana", "--role", "operator").exit_code == 0
    assert authenticate(resources, "ana", PASSWORD) is not None


@pytest.mark.usefixtures("resources")
def test_what_is_refused_stores_nothing() -> None:
    assert isinstance(add("operator").exception, OperatorNameError)
    assert isinstance(add("two words").exception, OperatorNameError)
    assert isinstance(add(password="elevenchars").exception, OperatorPasswordError)
    assert operators("add", "ana", "--role", "king").exit_code == 2
    assert operators("add", "ana", "--role", "viewer", "--password", PASSWORD).exit_code == 2
    assert operators("add", "ana", "--role", "viewer", given="").exit_code == 2
    assert isinstance(operators("disable", "ana").exception, NoSuchOperatorError)
    assert "No operator exists yet" in operators("list").stdout
    assert listed() == []


def test_a_link_is_made_for_an_operator_who_may_sign_in(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    add()
    without = operators("link", "ana")
    assert isinstance(without.exception, NoPublicUrlError)

    monkeypatch.setenv("PUBLIC_URL", "https://booksync.test/books/")
    settings.cache_clear()
    for refused in ("ben", "operator", "", "x" * 500):
        assert isinstance(operators("link", refused).exception, NoOneSignsInError)
    made = json.loads(operators("link", "ANA", "--json").stdout)
    assert made["expires_in"] == 600
    assert made["url"].startswith("https://booksync.test/books/sign-in?link=")

    disable_operator(resources, "ana")
    assert isinstance(operators("link", "ana").exception, NoOneSignsInError)


@pytest.mark.usefixtures("resources")
def test_the_list_shows_each_operator_with_the_role() -> None:
    add("ben", "operator")
    add("ana", "accountant")
    assert [(each["name"], each["role"], each["last_seen_at"]) for each in listed()] == [
        ("ana", "accountant", None),
        ("ben", "operator", None),
    ]
    assert "accountant" in operators("list").stdout


def test_each_change_is_recorded_without_a_name(resources: Resources) -> None:
    add("ana", "viewer")
    operators("disable", "ana")
    operators("disable", "nobody-of-this-name")
    with resources.engine.connect() as db:
        found = activity.listed(db, limit=10)
    assert [(each.operator, each.action, each.state, each.subject) for each in reversed(found)] == [
        ("command line", "save operator", "done", "role viewer"),
        ("command line", "disable operator", "done", ""),
        ("command line", "disable operator", "refused", ""),
    ]
