"""The list of commands is written down, so that `booksync --help` loads none of them; each must be what it says."""

import subprocess
import sys

import pytest

from workers.cli.app import COMMANDS
from workers.cli.lazy_commands import LazyCommand

#: Libraries that take long to load, and that neither a list of commands nor a version needs.
HEAVY = ("alembic", "dramatiq", "holidays", "httpx", "psycopg", "redis", "sqlalchemy", "uvicorn")


@pytest.mark.parametrize(("name", "place", "help_text"), COMMANDS, ids=[name for name, _, _ in COMMANDS])
def test_a_command_has_the_help_that_the_list_shows(name: str, place: str, help_text: str) -> None:
    loaded = LazyCommand(name, place, help_text).load()
    assert " ".join(loaded.help.split("\n\n")[0].split()) == help_text


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_list_and_the_version_load_no_heavy_library(option: str) -> None:
    code = (
        f"import sys; sys.argv = ['booksync', '{option}']\n"
        "from workers.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n"
        f"    print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
