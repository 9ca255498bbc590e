"""The list of commands is written down, so that `booksync --help` loads none of them; each must be what it says."""

import pytest

from workers.cli.app import COMMANDS
from workers.cli.lazy_commands import LazyCommand


@pytest.mark.parametrize(("name", "place", "help_text"), COMMANDS, ids=[name for name, _, _ in COMMANDS])
def test_a_command_has_the_help_that_the_list_shows(name: str, place: str, help_text: str) -> None:
    loaded = LazyCommand(name, place, help_text).load()
    assert " ".join(loaded.help.split("\n\n")[0].split()) == help_text
