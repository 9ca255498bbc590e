"""Commands whose modules are loaded only when they run, because the database's libraries take half a second to load."""

import gc
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from workers.cli.examples import with_examples

#: The options that show a command's help.
HELP_OPTIONS: Final = {"help_option_names": ["-h", "--help"]}


def plain_typer(help_text: str | None = None) -> typer.Typer:
    """An application of the library for a command, or for a group of commands: help without colours and boxes."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=help_text is not None,
        add_completion=False,
        context_settings=dict(HELP_OPTIONS),
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


class LazyCommand(TyperCommand):
    """The name and the help of a command or a group; `place` is "module:attribute" in this package."""

    def __init__(self, name: str, place: str, help: str) -> None:  # noqa: A002  (the library's name)
        super().__init__(name=name, help=help, params=[])
        self.place = place

    def load(self) -> Any:
        """Load the command's module and return the command."""
        module, attribute = self.place.split(":")
        found = getattr(_imported(f"workers.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            return with_examples(get_command(found))
        alone = plain_typer()
        alone.command(self.name)(found)
        return with_examples(get_command(alone))

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        if parent is not None and callable(parent.obj):
            parent.obj()
        return self.load().make_context(info_name, args, parent=parent, **extra)


def _imported(name: str) -> ModuleType:
    """Import a module while Python's garbage collector is off, because imports leave little garbage.

    The collector would take a fifth of the time of a short command. Afterwards it is on, also if it was off before.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def group_of(commands: Sequence[tuple[str, str, str]]) -> type[TyperGroup]:
    """A group of lazy commands, each given as (name, place, help).

    If the context's `obj` is a function (`booksync` sets up its logs there), it is called before a command is loaded.
    """

    class LazyCommands(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            for name, place, help_text in commands:
                self.add_command(LazyCommand(name, place, help_text))

    return LazyCommands
