"""The ACL rules of docs/redis.md in the form that an administrator types, so that the tests run under them."""

import re
from pathlib import Path

DOCUMENT = (Path(__file__).parents[1] / "docs" / "redis.md").read_text(encoding="utf-8")


def acl_rule(password: str) -> list[str]:
    """The arguments of the documented `ACL SETUSER booksync …`, the user's name first."""
    (line,) = re.findall(r"^ACL SETUSER (.*)$", DOCUMENT, re.MULTILINE)
    return [f">{password}" if word == ">PASSWORD" else word for word in line.split()]


def documented_commands() -> set[str]:
    """Each command that the rule allows, without its subcommand."""
    return {word.removeprefix("+").partition("|")[0] for word in acl_rule("any") if word.startswith("+")}


def sentinel_commands() -> list[str]:
    """The commands that a user of a Sentinel needs."""
    (sentence,) = re.findall(r"A user of a Sentinel needs `([^`]*)`", DOCUMENT)
    return str(sentence).split()
