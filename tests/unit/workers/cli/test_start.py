"""Promises of workers/cli/start.py."""

from tests.procfile import command
from workers.cli.start import commands


def test_the_processes_are_those_of_the_procfile() -> None:
    started = {name: " ".join(words) for name, words in commands("127.0.0.1", 8000, processes=2).items()}
    assert started["web process"].endswith(" ".join(command("web")))
    assert started["worker"].endswith("worker --processes 2")
    assert started["scheduler"].endswith("scheduler")
    assert len(started) == 3
