"""Options for secrets, which may come from stdin, a file, the environment, a hidden prompt, or an argument.

An argument stays in the shell's history and is visible in the process list, so the command prints a warning if a
secret is an argument.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from workers.cli.terminal import notes

#: The longest accepted secret; every token of Zoho is shorter.
_LONGEST = 4_096
_TOKEN = re.compile(r"[!-~]+")

#: The text at the end of the help of such an option.
SOURCES = "- reads it from stdin, @FILE from a file"


@dataclass(frozen=True, slots=True)
class SecretOption:
    """A command-line option for one secret."""

    option: str  #: the option's name: --grant-code
    variable: str  #: the environment variable: BOOKSYNC_GRANT_CODE
    name: str  #: the secret in words: grant code

    def given(self, value: str) -> str:
        """Return the secret. `value` is the secret itself, `-` (stdin or a prompt), or `@` and the name of a file.

        Raises:
            typer.BadParameter: the secret cannot be read or cannot be a token; the message does not repeat it.
        """
        if value == "-":
            return self._prompted() if sys.stdin.isatty() else self._checked(_line_of_stdin())
        if value.startswith("@"):
            return self._checked(self._line_of(Path(value[1:])))
        secret = self._checked(value.encode("utf-8", "surrogateescape"))
        notes.print(
            f"The shell's history and the process list show an argument. Next time: {self.option} - (stdin), "
            f"{self.option} @FILE, or {self.variable}",
            style="yellow",
        )
        return secret

    def in_environment(self) -> str | None:
        """Return the secret in the environment variable; None if the variable is unset or empty.

        Raises:
            typer.BadParameter: the value cannot be a token; the message does not repeat it.
        """
        value = os.environ.get(self.variable)
        return self._checked(value.encode("utf-8", "surrogateescape"), self.variable) if value else None

    def _prompted(self, **options: Any) -> str:
        prompt = f"{self.name[0].upper()}{self.name[1:]} (not shown)"
        typed = typer.prompt(prompt, hide_input=True, err=True, **options)
        return self._checked(str(typed).encode("utf-8", "surrogateescape"))

    def _line_of(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.readline(_LONGEST + 1)
        except OSError as error:
            raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint=self.option) from None

    def _checked(self, value: bytes, source: str | None = None) -> str:
        text = value.decode("ascii", "replace").strip()
        if len(text) > _LONGEST or not _TOKEN.fullmatch(text):
            wrong = "is empty" if not text else f"is not a {self.name}: it contains blanks or non-ASCII characters"
            raise typer.BadParameter(f"the value {wrong}", param_hint=source or self.option)
        return text


class PasswordOption(SecretOption):
    """An option for a new password. A password may contain blanks, is typed twice, and is never an argument itself."""

    def given(self, value: str) -> str:
        """Return the password. `value` is `-` (stdin or a prompt), or `@` and the name of a file.

        Raises:
            typer.BadParameter: `value` is something else, or the password cannot be read.
        """
        if value != "-" and not value.startswith("@"):
            raise typer.BadParameter(
                f"a password is not given as an argument: {SOURCES}. Or set {self.variable}", param_hint=self.option
            )
        return super().given(value)

    def _prompted(self, **options: Any) -> str:
        return super()._prompted(confirmation_prompt=True, **options)

    def _checked(self, value: bytes, source: str | None = None) -> str:
        try:
            text = value.decode().strip()
        except UnicodeDecodeError:
            text = ""
        if not text.isprintable() or not text:
            raise typer.BadParameter("the password is empty or is not text", param_hint=source or self.option)
        return text


def one_secret(*choices: tuple[SecretOption, str | None]) -> tuple[SecretOption, str]:
    """Return the secret and its option. The secret is from the command line, else from the environment, else a prompt.

    Raises:
        typer.BadParameter: two secrets are given, or none and stdin is not a terminal; see also `SecretOption.given`.
    """
    either = " or ".join(option.option for option, _ in choices)
    named = [(option, value) for option, value in choices if value is not None]
    if len(named) > 1:
        raise typer.BadParameter(f"give either {either}")
    if named:
        option, value = named[0]
        return option, option.given(value)
    found = [(option, secret) for option, _ in choices if (secret := option.in_environment())]
    if len(found) > 1:
        raise typer.BadParameter(f"set either {' or '.join(option.variable for option, _ in found)}")
    if found:
        return found[0]
    if sys.stdin.isatty():
        return choices[0][0], choices[0][0].given("-")
    variables = " or ".join(option.variable for option, _ in choices)
    raise typer.BadParameter(f"give either {either} ({SOURCES}), or set {variables}")


def _line_of_stdin() -> bytes:
    return sys.stdin.buffer.readline(_LONGEST + 1)
