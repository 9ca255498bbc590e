"""A trickling server is abandoned at the deadline, in headers and in the body; the sockets are fakes."""

# ruff: noqa: ARG002 - the fakes have the signatures of the real classes.

from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import pytest

from workers.zoho.deadline import DeadlineBackend, DeadlineStream, DeadlineTransport, addresses_of, deadline
from workers.zoho.errors import ZohoUnavailable
from workers.zoho.wire import exchange, new_http_client


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Trickle(httpcore.NetworkStream):
    """Returns the text one byte at a time, each after some seconds of the clock."""

    def __init__(self, text: bytes, seconds_a_byte: float, clock: Clock) -> None:
        self.text = text
        self.seconds_a_byte = seconds_a_byte
        self.clock = clock
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        self.clock.now += self.seconds_a_byte
        byte, self.text = self.text[:1], self.text[1:]
        return byte

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)

    def close(self) -> None:
        pass


class Network(httpcore.NetworkBackend):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return self.stream


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        HEADERS[:-4] + b"\r\nX: " + b"x" * 1000,  # endless headers
        HEADERS + b"x" * 1000,  # an endless body
    ],
)
def test_trickling_server_is_abandoned_at_the_deadline(text: bytes) -> None:
    clock = Clock()
    stream = Trickle(text, 1.0, clock)
    with (
        new_http_client(backend=DeadlineBackend(Network(stream), clock)) as http,
        deadline(100, clock),
        pytest.raises(ZohoUnavailable, match="ReadTimeout"),
    ):
        exchange(http, "GET", "http://zoho.test/x", call="GET /x")

    assert clock.now == 100


def test_default_client_keeps_the_deadline() -> None:
    with new_http_client() as http:
        transport = http._transport
        assert isinstance(transport, DeadlineTransport)
        assert isinstance(transport._pool, httpcore.ConnectionPool)
        assert isinstance(transport._pool._network_backend, DeadlineBackend)


def test_wait_is_cut_to_the_remaining_time() -> None:
    clock = Clock()
    inner = Trickle(b"abc", 4.0, clock)
    stream = DeadlineStream(inner, clock)

    with deadline(10, clock):
        for _ in range(3):
            stream.read(1, timeout=8)

    assert inner.timeouts == [8, 6, 2]


def test_nearer_of_nested_deadlines_counts() -> None:
    clock = Clock()
    inner = Trickle(b"abc", 0, clock)
    stream = DeadlineStream(inner, clock)

    with deadline(10, clock):
        with deadline(50, clock):
            stream.read(1)
        with deadline(5, clock):
            stream.write(b"")
        stream.read(1)
    stream.read(1, timeout=30)

    assert inner.timeouts == [10, 5, 10, 30]


def test_no_connection_is_opened_after_the_deadline() -> None:
    clock = Clock()
    backend = DeadlineBackend(Network(Trickle(b"", 0, clock)), clock)

    with deadline(10, clock):
        clock.now = 10
        with pytest.raises(httpcore.ConnectTimeout):
            backend.connect_tcp("zoho.test", 443)


class BlackHoles(Network):
    """Addresses that give no response until the timeout, except for the open ones."""

    def __init__(self, clock: Clock, *, are_open: Iterable[str] = ()) -> None:
        super().__init__(Trickle(b"", 0, clock))
        self.clock = clock
        self.are_open = set(are_open)
        self.tried: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.tried.append(host)
        if host in self.are_open:
            return self.stream
        assert timeout is not None
        self.clock.now += timeout
        raise httpcore.ConnectTimeout


ADDRESSES = [f"192.0.2.{number}" for number in range(100)]


def test_host_with_many_dead_addresses_is_abandoned_at_the_deadline() -> None:
    clock = Clock()
    holes = BlackHoles(clock)
    backend = DeadlineBackend(holes, clock, resolve=lambda _: ADDRESSES)

    with deadline(12, clock), pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("zoho.test", 443, timeout=5)

    assert (clock.now, len(holes.tried)) == (12, 3)


def test_next_address_is_tried_after_a_dead_one() -> None:
    clock = Clock()
    holes = BlackHoles(clock, are_open=ADDRESSES[2:3])
    backend = DeadlineBackend(holes, clock, resolve=lambda _: ADDRESSES)

    with deadline(60, clock):
        backend.connect_tcp("zoho.test", 443, timeout=5)

    assert holes.tried == ADDRESSES[:3]


@pytest.mark.parametrize("resolve", [lambda _: [], addresses_of])
def test_a_name_without_an_address_is_a_failed_connection(resolve: Callable[[str], list[str]]) -> None:
    backend = DeadlineBackend(BlackHoles(Clock()), resolve=resolve)

    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("name..test", 443, timeout=5)


def test_numeric_address_is_used_without_a_lookup() -> None:
    assert addresses_of("127.0.0.1") == ["127.0.0.1"]
    assert addresses_of("::1") == ["::1"]
