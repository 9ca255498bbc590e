"""`booksync --help` prints names and texts from a list, and loads no command. The list must agree with the commands."""

from tests.tables import table
from workers.cli.app import COMMANDS
from workers.cli.lazy_commands import LazyCommand


@table(("name", "place", "help_text"), COMMANDS)
def test_a_command_has_the_help_that_the_list_shows(name: str, place: str, help_text: str) -> None:
    loaded = LazyCommand(name, place, help_text).load()
    assert " ".join(loaded.help.split("\n\n")[0].split()) == help_text
