"""docs/redis.md: its ACL rule allows exactly the commands that the code calls."""

import re
from pathlib import Path

import dramatiq.brokers

from tests.redis_document import DOCUMENT, documented_commands
from workers.redis_access.addresses import SCHEMES

SCRIPTS = [
    *(Path(__file__).parents[2] / "workers" / "budget").glob("*.lua"),
    Path(__file__).parents[2] / "workers" / "queue" / "waking.py",
    *(Path(dramatiq.brokers.__file__).parent / "redis").glob("*.lua"),
]

#: Commands that redis-py sends for booksync's Python code and for each connection.
CALLED_BY_PYTHON = {
    "ping", "select", "client", "evalsha", "script", "multi", "exec",
    "set", "info", "llen", "lrange", "hmget", "hgetall", "hincrby", "smembers",
    "subscribe", "exists", "zrange",
}  # fmt: skip


def called_by_scripts() -> set[str]:
    sources = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    return {command.lower() for command in re.findall(r"redis\.p?call\([\"'](\w+)", sources)}


def test_the_rule_names_exactly_the_commands_that_are_called() -> None:
    assert documented_commands() == called_by_scripts() | CALLED_BY_PYTHON


def test_every_form_of_an_address_is_named() -> None:
    assert all(f"`{scheme}" in DOCUMENT for scheme in SCHEMES)
