"""Free ports on the loopback address."""

import socket
from pathlib import Path

import pytest

from sandbox.servers import ports


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, ports.free_port()))
        listener.listen()


def test_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


def test_free_port_is_never_in_the_ephemeral_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "range").write_text("20000\t60999\n")
    monkeypatch.setattr(ports, "_EPHEMERAL_RANGE", tmp_path / "range")
    assert all(10_240 <= ports.free_port() < 20_000 for _ in range(50))


@pytest.mark.parametrize(
    "text",
    [
        None,  # Another system than Linux.
        "",
        "1024\t65535\n",  # A range with no port below it.
    ],
)
def test_default_range_without_a_usable_kernel_range(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "range").write_text(text)
    monkeypatch.setattr(ports, "_EPHEMERAL_RANGE", tmp_path / "range")
    assert all(10_240 <= ports.free_port() < 32_768 for _ in range(20))


def test_the_kernel_chooses_when_every_guess_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port: False)
    assert ports.free_port() > 0
