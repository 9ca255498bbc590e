"""The documents: each link leads somewhere, and each command and setting has its place."""

import re
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperGroup

from tests.tables import table
from workers.cli.app import COMMANDS
from workers.cli.lazy_commands import LazyCommand

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
MOST_LINES_OF_THE_README = 200


def prose(document: Path) -> str:
    """The text without blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(document: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(document))):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        is_dead = not target.exists() or (anchor and anchor not in anchors(target))
        if not link.startswith("http") and is_dead:
            yield link


def names_of(name: str, place: str) -> set[str]:
    """The names of a command or of all commands of a group."""
    loaded = LazyCommand(name, place, "").load()
    return {f"{name} {each}" for each in loaded.commands} if isinstance(loaded, TyperGroup) else {name}


def documented_commands() -> set[str]:
    """The commands of the tables: `booksync reminders skipped\\|due [CONNECTION]` are two."""
    document = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    found = set()
    for row in re.findall(r"^\| `booksync (.+?)` \|", document, re.MULTILINE):
        words = [word for word in row.split() if re.fullmatch(r"[a-z|\\-]+", word) and not word.startswith("-")]
        found |= {" ".join([*words[:-1], last]) for last in words[-1].split("\\|")}
    return found


@table("document", DOCUMENTS)
def test_no_link_is_dead(document: Path) -> None:
    assert list(dead_links(document)) == []


def test_the_table_of_commands_has_every_command() -> None:
    known = {full for name, place, _ in COMMANDS for full in names_of(name, place)}
    # The argument of this command looks like subcommands.
    documented = {re.sub(r"^healthy .+", "healthy", name) for name in documented_commands()}
    assert documented == known


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_THE_README
