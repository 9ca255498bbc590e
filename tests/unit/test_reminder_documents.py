"""docs/reminders.md names every reason, outcome, rule and command of the code."""

import re
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from domain.reminders.hand_over import HoldReason
from domain.reminders.permission import SkipReason
from tests.tables import table
from workers.cli import policy
from workers.cli.app import app

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "reminders.md").read_text(encoding="utf-8")
SQL = (ROOT / "alembic" / "sql" / "0010_reminder_functions.sql").read_text(encoding="utf-8")

COMMANDS = sorted(set(re.findall(r"booksync (reminders|do-not-call|policy) ([a-z]+)\b", DOCUMENT)))


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def words(title: str) -> list[str]:
    """The words in the first column of the section's table."""
    return re.findall(r"^\| `([a-z_]+)` \|", section(title), re.MULTILINE)


def policy_options() -> list[str]:
    group = get_command(policy.app)
    assert isinstance(group, TyperGroup)
    parameters = group.commands["set"].params
    options = [option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)]
    return [option for option in options if option.startswith("--") and option != "--json"]


def test_every_reason_of_a_plan_is_named_in_its_order() -> None:
    assert words("No reminder is planned") == list(SkipReason)


def test_every_reason_that_holds_a_due_reminder_back_is_named_in_its_order() -> None:
    assert words("A due reminder is held back") == list(HoldReason)


def test_every_outcome_is_named() -> None:
    (known,) = re.findall(r"NOT IN \(\s+('reached'.*?)\s+\)", SQL)
    assert words("Outcomes") == re.findall(r"'([a-z_]+)'", known)


@table("option", policy_options())
def test_every_option_of_the_policy_is_named(option: str) -> None:
    assert f"`{option}" in section("The policy")


@table("words", COMMANDS)
def test_every_command_exists(words: tuple[str, str]) -> None:
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
