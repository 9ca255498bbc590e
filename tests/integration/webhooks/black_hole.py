"""A path to Postgres that can stop or slow down: it still accepts connections, but drops or delays all bytes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_CHUNK_BYTES = 65_536


class BlackHole:
    """A proxy on the loopback interface; after `swallow` it forwards no bytes."""

    def __init__(self, target_url: str) -> None:
        parts = urlsplit(target_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        user = parts.netloc.rpartition("@")[0]
        here = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=f"{user}@{here}" if user else here))
        self._passes = True
        self._delay_seconds = 0.0
        self._sockets = [self._listener]
        self._threads = [self._run(self._accept)]

    def swallow(self) -> None:
        self._passes = False

    def slow_down(self, seconds: float) -> None:
        """Delay each response of the server."""
        self._delay_seconds = seconds

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _run(self, do: Callable[..., None], *sockets: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=do, args=sockets)
        thread.start()
        return thread

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                self._sockets.append(here)
                if self._passes:
                    there = socket.create_connection(self._target)
                    self._sockets.append(there)
                    self._threads += [self._run(self._pass, here, there), self._run(self._return, there, here)]

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if self._passes:
                    sink.sendall(data)

    def _return(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK_BYTES):
                time.sleep(self._delay_seconds)
                if self._passes:
                    client.sendall(data)


@contextmanager
def a_black_hole(target_url: str) -> Iterator[BlackHole]:
    hole = BlackHole(target_url)
    try:
        yield hole
    finally:
        hole.close()
