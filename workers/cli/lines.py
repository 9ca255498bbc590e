"""Lines for a terminal: texts wrapped at words, without a break inside a command or an id."""

import re
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

#: A `booksync` command in a sentence, with its options, ids, placeholders and the mark after it, and the word "Next:"
#: before it.
_COMMAND: Final = re.compile(
    r"(?P<next>Next: )?(?P<command>booksync(?: [a-z][a-z-]*){1,2}(?: (?:--[a-z-]+|[A-Z]+|[0-9a-f-]{8,36}|[0-9]+))*\S*)"
)

#: The indentation of a line, with its bullet; the lines that continue it are as far to the right.
_INDENT: Final = re.compile(r" *(?:[•?−] )?")

_TOKEN: Final = re.compile(r" *[^ ]+")

#: Stands for a blank inside a command. No printable text contains it.
_GLUE: Final = "\0"


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a printable text. Only a word that is longer than a line is broken."""
    if cell_len(text) <= width:
        return [text]
    found = _INDENT.match(text)
    indent = " " * min(cell_len(found[0]) if found else 0, width // 2)
    lines = [""]
    for token in _tokens(text, width - len(indent)):
        if not lines[-1]:
            lines[-1] = token if cell_len(token) <= width else f"{indent}{token.lstrip()}"
        elif cell_len(lines[-1]) + cell_len(token) <= width:
            lines[-1] += token
        else:
            lines.append(f"{indent}{token.lstrip()}")
    return [line.replace(_GLUE, " ") for line in lines]


def shortened(text: str, width: int) -> str:
    """Return the text, or its beginning with an ellipsis, in at most `width` columns."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _tokens(text: str, room: int) -> list[str]:
    """Return the words with the blanks before them. A command that fits on a line counts as one word."""
    tokens: list[str] = []
    for token in _TOKEN.findall(_COMMAND.sub(lambda found: _glued(found, room), text)):
        tokens += [token] if cell_len(token.lstrip()) <= room else _broken(token, room)
    return tokens


def _glued(found: re.Match[str], room: int) -> str:
    """Return a command with the words before it as one word, or as two if it does not fit on a line with them."""
    before, command = found["next"] or "", found["command"]
    if len(command) > room:
        return found[0]
    joined = before.replace(" ", _GLUE) if len(before) + len(command) <= room else before
    return joined + command.replace(" ", _GLUE)


def _broken(token: str, room: int) -> list[str]:
    blanks = len(token) - len(token.lstrip())
    first, *others = chop_cells(token[blanks:], room)
    return [f"{token[:blanks]}{first}", *others]
