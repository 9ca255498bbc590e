"""`booksync --version`."""

from importlib.metadata import version

from typer.testing import CliRunner

from workers.cli.app import app


def test_the_version_is_printed_without_settings() -> None:
    result = CliRunner(env={"DATABASE_URL": None, "REDIS_URL": None}).invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"booksync {version('booksync')}\n")


def test_help_describes_the_program_and_its_version_option() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert "Keep a Postgres copy of Zoho Books" in result.stdout
    assert "--version" in result.stdout
