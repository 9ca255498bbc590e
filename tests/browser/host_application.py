"""A host application that has one page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.servers.ports import LOOPBACK

_PAGE = (
    b'<!doctype html><html lang="en"><title>Settings of the host application</title>'
    b"<h1>Settings of the host application</h1></html>"
)


@contextmanager
def running_host_application() -> Iterator[str]:
    """Serve the page in a thread; yields its address."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://host.localhost:{server.server_port}/settings"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 (the signature of the base class)
        """Print nothing."""
