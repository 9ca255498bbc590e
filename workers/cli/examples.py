"""The examples at the end of a command's help. They stand beside the command, and a test parses each of them."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_ATTRIBUTE: Final = "booksync_examples"

_CONTINUED: Final = "      "

#: The most examples in the help of a group: the first one of each of its first commands.
_OF_A_GROUP: Final = 3


def examples(*lines: str) -> Callable[[CommandT], CommandT]:
    """Give a command's function one to three examples, each in lines of at most 74 characters for a shell."""

    def give(function: CommandT) -> CommandT:
        setattr(function, _ATTRIBUTE, lines)
        return function

    return give


def examples_of(command: Any) -> tuple[str, ...]:
    """Return the examples of a command of the library; a group has some of its commands' examples."""
    commands = getattr(command, "commands", None)
    if commands is None:
        found: tuple[str, ...] = getattr(command.callback, _ATTRIBUTE, ())
        return found
    return tuple(line for each in commands.values() for line in examples_of(each)[:1])[:_OF_A_GROUP]


def _indented(example: str) -> str:
    """Return the example with the lines that continue it further to the right."""
    return example.replace("\n", f"\n{_CONTINUED}")


def with_examples(command: Any) -> Any:
    """Add the examples to the help of a command of the library, or of a group and its commands."""
    for each in (command, *getattr(command, "commands", {}).values()):
        if lines := examples_of(each):
            # The library does not wrap a paragraph that begins with a line "\b".
            each.epilog = "\n".join(("\b", "Examples:", *(f"  {_indented(line)}" for line in lines)))
    return command
