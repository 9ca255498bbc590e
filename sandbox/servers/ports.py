"""Finds free TCP ports on 127.0.0.1."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"

_LOWEST = 10_240
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_START = 32_768


def free_port() -> int:
    """A TCP port that is free at this moment; another program may still bind it first.

    The chosen port lies below the kernel's ephemeral range. Trap: while a server restarts on a port of that range, a
    client that keeps connecting may get the same port as its source port. The client then connects to itself, and the
    server cannot bind the port again.
    """
    for _ in range(50):
        port = random.randrange(_LOWEST, _ephemeral_start())
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could bind this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _ephemeral_start() -> int:
    try:
        start = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _EPHEMERAL_START
    return start if start > _LOWEST + 1_000 else _EPHEMERAL_START
