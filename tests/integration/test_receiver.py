"""Promises of the HTTP call of handover/receiver.py: the status line decides, and its time is bounded."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from db.reminder_posts import Post
from workers.handover import receiver
from workers.handover.receiver import NotAcceptedError, Receiver, new_receiver_client

SECRET = "a secret of enough letters"


@contextmanager
def a_receiver_that_sends(
    head: bytes, endlessly: bytes = b"", *, pause: float = 0
) -> Iterator[tuple[str, list[bytes]]]:
    """The receiver's address and its requests' heads. It responds once, then sends until the client disconnects."""
    got: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            got.append(connection.recv(65536))
            try:
                connection.sendall(head)
                while endlessly:
                    connection.sendall(endlessly)
                    time.sleep(pause)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/due", got
        thread.join()


def a_post() -> Post:
    return Post(
        handover_id=uuid.uuid4(),
        connection_id=uuid.uuid4(),
        until=datetime(2026, 3, 1, tzinfo=UTC),
        attempts=1,
        closes_at=datetime(2026, 4, 1, tzinfo=UTC),
        is_closed=False,
        is_outside_hours=False,
        left_out=(),
        body={"phone": "+442070000000", "reminders": []},
    )


def problem_of(url: str, proxy_url: str | None = None) -> str | None:
    """Why the receiver has not accepted a handover; None if it has."""
    with new_receiver_client(None if proxy_url is None else SecretStr(proxy_url)) as client:
        try:
            Receiver(client, url, (SECRET,)).post(a_post())
        except NotAcceptedError as error:
            return str(error)
    return None


@pytest.mark.parametrize(
    ("head", "endlessly"),
    [
        # A body without end, in chunks, by its length and by the connection's end.
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nbody\r\n"),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000000000\r\n\r\n", b"body"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"body"),
        # A bomb.
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n", b"no gzip at all"),
        # A body that is shorter than its length.
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b""),
    ],
)
def test_any_2xx_is_a_success_with_any_body(head: bytes, endlessly: bytes) -> None:
    with a_receiver_that_sends(head, endlessly) as (url, _):
        assert problem_of(url) is None


@pytest.mark.parametrize("status", [b"302 Found\r\nLocation: https://evil.test/", b"307 Temporary Redirect", b"500 No"])
def test_any_other_status_is_a_problem_with_any_body(status: bytes) -> None:
    with a_receiver_that_sends(b"HTTP/1.1 " + status + b"\r\n\r\n", b"body") as (url, _):
        assert problem_of(url) == f"HTTP {status[:3].decode()}"


@pytest.mark.parametrize("endlessly", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x"])
def test_slow_receiver_is_abandoned_at_the_deadline(monkeypatch: pytest.MonkeyPatch, endlessly: bytes) -> None:
    monkeypatch.setattr(receiver, "CALL_SECONDS", 0.5)
    with a_receiver_that_sends(b"", endlessly, pause=0.02) as (url, _):
        assert problem_of(url) == "ReadTimeout"


def test_headers_without_end_are_a_problem() -> None:
    with a_receiver_that_sends(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536) as (url, _):
        assert problem_of(url) == "RemoteProtocolError"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_gets_nothing(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with a_receiver_that_sends(b"HTTP/1.1 200 OK\r\n\r\n") as (url, got):
        assert problem_of(url) is None
    assert got[0].startswith(b"POST /due HTTP/1.1\r\n")


def test_configured_proxy_gets_the_call() -> None:
    with a_receiver_that_sends(b"HTTP/1.1 200 OK\r\n\r\n") as (proxy, got):
        assert problem_of("http://receiver.test/due", proxy_url=proxy) is None
    assert got[0].startswith(b"POST http://receiver.test/due HTTP/1.1\r\n")


def test_https_is_tunnelled_through_the_proxy() -> None:
    with a_receiver_that_sends(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (proxy, got):
        assert problem_of("https://receiver.test/due", proxy_url=proxy) == "ProxyError"
    assert got[0].startswith(b"CONNECT receiver.test:443 HTTP/1.1\r\n")


def test_slow_proxy_is_abandoned_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "CALL_SECONDS", 0.5)
    with a_receiver_that_sends(b"", b"x", pause=0.02) as (proxy, _):
        assert problem_of("https://receiver.test/due", proxy_url=proxy) == "ProxyError"
