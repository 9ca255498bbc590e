"""Promises of the web process on an open network: stalled connections are closed, and valid webhooks are served."""

import contextlib
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import Engine

from db.secrets import Place, SecretName
from tests.fork_server import UVICORN, ForkedProcess, fork_server
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.environment import environment_of_a_process
from tests.procfile import command
from tests.webhooks import signed_json
from workers.boot.resources import open_resources
from workers.web.connections import CHECK_SECONDS, MOST_WAITING
from workers.web.request_bodies import BODY_SECONDS, MAX_BODY_BYTES

SECRET = "0123456789abcdef0123456789abcdef01234567"
_PLACE = Place(SecretName.WEBHOOK_SECRET, uuid.UUID(int=0))
CUSTOMER = {"contact": {"contact_id": "5001", "last_modified_time": "2026-03-02T09:30:00+0000"}}
PROJECT = Path(__file__).parents[3]

#: The longest time of an open connection without progress, with a margin for a slow machine.
DEADLINE_SECONDS = BODY_SECONDS + 2 * CHECK_SECONDS + 10

#: The deadlines of processes that the tests start without the documented command.
SHORT_SECONDS = 0.5
HURRIED = "tests.integration.webhooks.hurried_web:main"

#: The options that the Procfile adds to the documented command, without those of the address.
_WEB = command("web")
PROCFILE_OPTIONS = _WEB[2 : _WEB.index("--host")]

BOGUS = b"X-Zoho-Webhook-Signature: " + b"0" * 64 + b"\r\n"


@dataclass(frozen=True)
class Web:
    """A web process and one connection's webhook address."""

    port: int
    path: str
    process: ForkedProcess
    log: Path

    def connect(self, *pieces: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)
        for piece in pieces:
            connection.sendall(piece)
        return connection

    def head(self, *lines: bytes) -> bytes:
        return b"".join([b"POST ", self.path.encode(), b" HTTP/1.1\r\nHost: booksync\r\n", *lines])

    def good_webhook(self) -> httpx.Response:
        body, headers = signed_json(SECRET, CUSTOMER)
        return httpx.post(f"http://127.0.0.1:{self.port}{self.path}", content=body, headers=headers, timeout=5)


@pytest.fixture
def web(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Web]]:
    """Starts a web process, which chooses a free port."""
    with ExitStack() as running:
        running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
        with open_resources("booksync tests") as resources:
            connection_id = a_connection_with(resources.engine, resources.vault.encrypt(SECRET, _PLACE))

        def start(*options: str, seconds: float | None = SHORT_SECONDS) -> Web:
            """`seconds` sets the deadlines; None keeps those of production."""
            log = tmp_path / "web.log"
            main, environment = (UVICORN, {}) if seconds is None else (HURRIED, {"SECONDS": str(seconds)})
            words = ["uvicorn", "workers.web.app:app", "--port", "0", *options]
            with log.open("wb") as stream, Path(os.devnull).open("wb") as nowhere:
                streams = {"stdout": nowhere.fileno(), "stderr": stream.fileno()}
                process = fork_server().start(main, words, os.environ | environment, **streams)
            running.callback(process.wait)
            running.callback(process.kill)
            return Web(the_port(process, log), f"/webhooks/zoho/{connection_id}", process, log)

        yield start


def a_connection_with(engine: Engine, encrypted_secret: str) -> uuid.UUID:
    connection = a_connection(engine)
    change(engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret", secret=encrypted_secret)
    return connection.connection_id


def the_port(process: ForkedProcess, log: Path) -> int:
    while process.poll() is None:
        found = re.search(r"running on http://127.0.0.1:(\d+)", log.read_text())
        if found is not None:
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def read_to_the_end(connection: socket.socket) -> bytes:
    """The bytes received until the other side closes; raises TimeoutError if it does not close."""
    came = b""
    try:
        while piece := connection.recv(65536):
            came += piece
    except ConnectionResetError:
        pass
    return came


def send_until_closed(connection: socket.socket, piece: bytes) -> None:
    """Sends until the other side closes; raises TimeoutError if it neither reads nor closes."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while True:
            connection.sendall(piece)


def drip(connection: socket.socket, byte: bytes, until: threading.Event) -> None:
    """Sends a byte every quarter of a second, until the event is set or the other side is gone."""
    while not until.wait(0.25):
        try:
            connection.sendall(byte)
        except OSError:
            return


@pytest.mark.slow
def test_stalled_requests_are_closed_while_valid_webhooks_are_served(
    web: Callable[..., Web],
) -> None:
    started = web(seconds=None)
    halves = [
        b"",
        b"PO",
        started.head(),
        started.head(b"Content-Length: 100\r\n\r\n"),
        started.head(BOGUS, b"Content-Length: 100\r\n\r\n", b"half"),
        started.head(BOGUS, b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhalf"),
        b"GET /readyz HTTP/1.1\r\nHost: booksync\r\nContent-Length: 100\r\n\r\nhalf",
    ]
    with ExitStack() as opened:
        connections = [opened.enter_context(started.connect(halves[n % len(halves)])) for n in range(650)]
        began = time.monotonic()
        assert started.good_webhook().status_code == 202
        assert time.monotonic() - began < 5
        for connection in connections:
            read_to_the_end(connection)
        assert time.monotonic() - began < DEADLINE_SECONDS
    assert started.good_webhook().status_code == 202
    assert "HTTP connections whose client makes no progress are closed" in started.log.read_text()


@pytest.mark.slow
def test_clients_that_send_single_bytes_are_closed(web: Callable[..., Web]) -> None:
    started = web()
    dripping = [
        # Incomplete requests: in the headers, in a body with a length, in a chunked body.
        (started.head(), b"x"),
        (started.head(BOGUS, b"Content-Length: 100000\r\n\r\n"), b"x"),
        (started.head(BOGUS, b"Transfer-Encoding: chunked\r\n\r\n"), b"1\r\nx\r\n"),
        # The rest of a body after its request was refused.
        (started.head(b"Content-Length: 100000\r\n\r\n"), b"x"),
        (started.head(b"Content-Length: 100000000\r\n\r\n"), b"x"),
        # The headers of a second request.
        (started.head(b"Content-Length: 0\r\n\r\nPOST / HTTP/1.1\r\nX: "), b"x"),
    ]
    enough = threading.Event()
    with ExitStack() as opened:
        connections = [opened.enter_context(started.connect(head)) for head, _ in dripping]
        threads = [
            threading.Thread(target=drip, args=(connection, byte, enough))
            for connection, (_, byte) in zip(connections, dripping, strict=True)
        ]
        for thread in threads:
            opened.callback(thread.join)
            thread.start()
        opened.callback(enough.set)
        for connection in connections:
            read_to_the_end(connection)


@pytest.mark.slow
def test_a_slow_body_gets_408(web: Callable[..., Web]) -> None:
    started = web()
    with started.connect(started.head(BOGUS, b"Content-Length: 100\r\n\r\nhalf")) as connection:
        assert read_to_the_end(connection).startswith(b"HTTP/1.1 408 ")
    assert "web.body_too_slow" in started.log.read_text()


def test_requests_with_bad_headers_are_refused_before_their_body(web: Callable[..., Web]) -> None:
    started = web()
    too_large = b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
    for lines, status in [
        # A request without a signature and a secret is refused before its body arrives.
        ([b"Content-Length: 100\r\n\r\n"], b"401"),
        ([b"Transfer-Encoding: chunked\r\n\r\n"], b"401"),
        # The size is checked first, also before "100 Continue".
        ([too_large], b"413"),
        ([b"Content-Length: 1%s\r\n\r\n" % (b"0" * 19)], b"413"),
        ([BOGUS, b"Expect: 100-continue\r\n", too_large], b"413"),
    ]:
        with started.connect(started.head(*lines)) as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_an_oversized_body_that_is_sent_in_full_gets_413(web: Callable[..., Web]) -> None:
    started = web()
    url = f"http://127.0.0.1:{started.port}{started.path}"
    assert httpx.post(url, content=b"x" * (3 * MAX_BODY_BYTES)).status_code == 413
    signed = {"X-Zoho-Webhook-Signature": "0" * 64}
    assert httpx.post(url, content=(b"x" * 1000 for _ in range(3000)), headers=signed).status_code == 413


@pytest.mark.slow
def test_endless_chunks_are_refused(web: Callable[..., Web]) -> None:
    started = web()
    with started.connect(started.head(BOGUS, b"Transfer-Encoding: chunked\r\n\r\n")) as connection:
        send_until_closed(connection, b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert started.good_webhook().status_code == 202


@pytest.mark.slow
def test_concurrent_bodies_use_a_bounded_memory(web: Callable[..., Web]) -> None:
    started = web(*PROCFILE_OPTIONS, seconds=5)  # Long enough for all bodies to be under way at once.
    before = psutil.Process(started.process.pid).memory_info().rss
    almost = started.head(BOGUS, b"Content-Length: 1000000\r\n\r\n") + b"x" * 990_000
    with ExitStack() as opened:
        connections = [opened.enter_context(started.connect(almost)) for _ in range(150)]
        for connection in connections:
            read_to_the_end(connection)
        grown = psutil.Process(started.process.pid).memory_info().rss - before
    assert grown < 150_000_000
    assert "web.too_many_bodies" in started.log.read_text()
    assert started.good_webhook().status_code == 202


@pytest.mark.slow
def test_silent_connections_are_closed_to_make_room_for_new_ones(web: Callable[..., Web]) -> None:
    started = web()
    with ExitStack() as opened:
        silent = [opened.enter_context(started.connect()) for _ in range(MOST_WAITING)]
        time.sleep(1.5)  # A valid client sends its headers within this time.
        silent[0].settimeout(3)
        opened.enter_context(started.connect())
        assert read_to_the_end(silent[0]) == b""
        assert started.good_webhook().status_code == 202


@pytest.mark.slow
def test_a_client_that_does_not_read_its_response_is_closed(web: Callable[..., Web]) -> None:
    started = web()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", started.port))
        connection.settimeout(DEADLINE_SECONDS)
        send_until_closed(connection, b"GET /metrics HTTP/1.1\r\nHost: booksync\r\n\r\n")


@pytest.mark.slow
def test_an_idle_connection_stays_open_for_uvicorns_keep_alive_time(web: Callable[..., Web]) -> None:
    started = web("--timeout-keep-alive", "60")
    with httpx.Client(base_url=f"http://127.0.0.1:{started.port}") as http:
        assert http.get("/healthz").status_code == 200
        time.sleep(4 * SHORT_SECONDS)
        (connection,) = http._transport._pool.connections  # type: ignore[attr-defined]
        assert not connection.has_expired()


def test_invalid_http_requests_do_not_fill_the_log(web: Callable[..., Web]) -> None:
    started = web()
    for _ in range(100):
        with started.connect(b"no HTTP\r\n\r\n") as connection:
            read_to_the_end(connection)
    assert started.log.read_text().count("Invalid HTTP request received.") < 10


def test_endless_headers_are_refused(web: Callable[..., Web]) -> None:
    started = web()
    with started.connect(started.head(b"X: ")) as connection:
        connection.sendall(b"x" * 200_000)
        assert read_to_the_end(connection)[:12] in (b"HTTP/1.1 400", b"")
