"""Errors of a server that is not running, and the reported line of its log."""

from pathlib import Path

import pytest

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey, ServerError
from sandbox.servers.server import _reason


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_neither_port_nor_process_before_the_start(
    kind: type[EmbeddedPostgres | EmbeddedValkey], tmp_path: Path
) -> None:
    server = kind(tmp_path)
    assert not server.running
    for reading in (lambda: server.port, lambda: server.url, lambda: server.pid):
        with pytest.raises(ServerError, match=r"has not been started yet|is not running"):
            reading()


def test_stopping_a_stopped_server_does_nothing(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.stop()
    server.kill()
    assert not server.running


def test_unusable_folder_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match=r"Valkey cannot use .*/file/valkey \(Not a directory\)"):
        EmbeddedValkey(tmp_path / "file" / "valkey").start()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("LOG:  hello\nFATAL:  it is broken\nLOG:  shut down\n", "FATAL:  it is broken"),
        ("1:M * hello\n1:M # Failed listening on port 1\n", "1:M # Failed listening on port 1"),
        ("something unheard of\n\n", "something unheard of"),
        ("", "no answer within 60 s"),
    ],
)
def test_most_informative_log_line_is_reported(said: str, reason: str) -> None:
    assert _reason(said) == reason
