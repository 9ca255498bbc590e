"""`booksync start`: all processes of a host together."""

import socket
from contextlib import closing

import pytest

from sandbox.servers.ports import LOOPBACK
from tests.end_to_end.installation import Installation


@pytest.mark.slow
def test_a_process_that_ends_stops_the_others(installation: Installation) -> None:
    with closing(socket.create_server((LOOPBACK, 0))) as occupied:
        port = occupied.getsockname()[1]
        outcome = installation.run("start", "--port", f"{port}", "--processes", "1")
    assert outcome.code == 1
    assert "The web process has ended with code" in outcome.stderr


def test_a_missing_setting_is_named_before_a_process_starts(installation: Installation) -> None:
    outcome = installation.run("start", REDIS_URL=None)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "REDIS_URL" in outcome.stderr
