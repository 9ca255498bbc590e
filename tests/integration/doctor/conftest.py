"""`booksync doctor` in this process, with any two servers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.integration.environment import environment_of_a_process
from workers.cli.app import app as commands


@dataclass(frozen=True)
class Report:
    """What the command has printed."""

    code: int
    text: str
    facts: dict[str, Any]

    @property
    def names(self) -> set[str]:
        return {finding["name"] for finding in self.facts["findings"]}

    def finding(self, name: str) -> dict[str, Any]:
        """The only finding of this name."""
        found: dict[str, Any]
        (found,) = [finding for finding in self.facts["findings"] if finding["name"] == name]
        assert found["cause"]
        assert found["next_step"]
        return found


Doctor = Callable[[str, str], Report]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Doctor]:
    """Runs the command with the URLs of a database and a Redis."""
    with ExitStack() as environments:

        def run(database_url: str, redis_url: str) -> Report:
            environments.enter_context(
                environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url)
            )
            result = CliRunner().invoke(commands, ["doctor", "--json"])
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            return Report(result.exit_code, result.output, json.loads(result.stdout.splitlines()[-1]))

        yield run
