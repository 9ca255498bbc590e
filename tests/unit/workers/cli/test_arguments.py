"""Promises of workers/cli/arguments.py: the help names each argument like docs/commands.md."""

from typer.testing import CliRunner

from tests.tables import table
from workers.cli.app import app


@table(
    ("command", "argument"),
    [
        ("sync", "{CONNECTION}"),
        ("status", "[CONNECTION]"),
        ("verify", "{CONNECTION}"),
        ("policy show", "{CONNECTION}"),
        ("policy set", "{CONNECTION}"),
        ("reminders skipped", "[CONNECTION]"),
        ("reminders due", "[CONNECTION]"),
        ("phones check", "[TEXT]"),
        ("phones audit", "{CONNECTION}"),
        ("phones confirm", "{CONNECTION} [CUSTOMER]"),
        ("explain", "{INVOICE}"),
        ("dead-letters show", "{ID}"),
        ("dead-letters retry", "[ID]"),
        ("dead-letters discard", "[ID]"),
    ],
)
def test_an_argument_is_named_in_capitals(command: str, argument: str) -> None:
    usage = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="booksync").stdout.splitlines()[0]
    assert usage == f"Usage: booksync {command} [OPTIONS] {argument}"
