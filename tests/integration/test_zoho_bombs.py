"""Promises of workers/zoho/wire.py: no response of an upstream exceeds the limits of memory and time."""

import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.commands import CreateContact, PersonFields
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import Bomb, FaultName
from sandbox.zoho.in_process import in_process_zoho
from sandbox.zoho.process import running_simulator
from sandbox.zoho.stats import CallKind
from workers.zoho.deadline import deadline
from workers.zoho.errors import TooLarge, UnusableResponse, ZohoError, ZohoUnavailable
from workers.zoho.oauth import OAuthClient, refresh_access_token
from workers.zoho.wire import MAX_BODY_BYTES, WireResponse, exchange, new_http_client

#: Far below the inflated size of each bomb, far above the need of a careful client.
MEMORY_BYTES = 50 * 1024 * 1024

WHAT_HAPPENS = {
    Bomb.GZIP: "TooLarge",
    Bomb.NESTED_GZIP: "UnusableResponse",
    Bomb.MANY_CODINGS: "UnusableResponse",
    Bomb.PLAIN: "TooLarge",
    Bomb.ENDLESS: "TooLarge",
    Bomb.HEADERS: "ZohoUnavailable",
}


@pytest.fixture(scope="module")
def zoho() -> Iterator[SandboxControl]:
    with running_simulator(contacts=20, invoices=20) as control:
        yield control


@pytest.fixture
def bombed(zoho: SandboxControl) -> Iterator[Callable[[Bomb], OAuthClient]]:
    """Makes the simulator's token endpoint, which needs no token, respond with a bomb."""

    def drop(bomb: Bomb) -> OAuthClient:
        zoho.fault(FaultName.BOMB, kind=CallKind.TOKEN, bomb=bomb)
        return OAuthClient(zoho.url, CLIENT_ID, CLIENT_SECRET)

    yield drop
    zoho.clear_faults()


@pytest.mark.parametrize("bomb", Bomb)
def test_a_bomb_is_an_error_of_its_call(bombed: Callable[[Bomb], OAuthClient], bomb: Bomb) -> None:
    with new_http_client() as http, pytest.raises(ZohoError) as failed:
        refresh_access_token(http, bombed(bomb), "sandbox-refresh")
    assert type(failed.value).__name__ == WHAT_HAPPENS[bomb]


@pytest.mark.parametrize("bomb", [Bomb.GZIP, Bomb.NESTED_GZIP, Bomb.ENDLESS])
def test_a_bomb_uses_little_memory(bombed: Callable[[Bomb], OAuthClient], bomb: Bomb) -> None:
    client = bombed(bomb)
    with new_http_client() as http:
        tracemalloc.start()
        try:
            with pytest.raises(ZohoError):
                refresh_access_token(http, client, "sandbox-refresh")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MEMORY_BYTES


@contextmanager
def a_server_that_sends(*pieces: bytes, piece_again: bytes = b"") -> Iterator[str]:
    """An origin that sends these bytes for one request, then `piece_again` until the client disconnects."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while piece_again:
                    connection.sendall(piece_again)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        thread.join()


def asked(url: str) -> WireResponse:
    with new_http_client() as http, deadline(10):
        return exchange(http, "GET", url, call="GET /x")


OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"code": 0}'


class TestLengthsThatLie:
    def test_a_length_above_the_bound_is_refused_before_the_body(self) -> None:
        head = OK + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)
        with a_server_that_sends(head) as url, pytest.raises(TooLarge):
            asked(url)

    @pytest.mark.parametrize(
        "head",
        [
            # A length above the body's size.
            b"Content-Length: 1000\r\n\r\n",
            # A word, and a digit that is not ASCII.
            b"Content-Length: many\r\n\r\n",
            b"Content-Length: \xb2\r\n\r\n",
            # Two different lengths.
            b"Content-Length: 11\r\nContent-Length: 12\r\n\r\n",
            # A chunk size of endless digits.
            b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 200_000,
            # An unknown transfer coding.
            b"Transfer-Encoding: gzip\r\n\r\n",
        ],
    )
    def test_a_wrong_framing_is_a_transient_error(self, head: bytes) -> None:
        with a_server_that_sends(OK + head + BODY) as url, pytest.raises(ZohoUnavailable):
            asked(url)

    def test_a_body_that_ends_with_its_connection_is_read_completely(self) -> None:
        with a_server_that_sends(OK + b"\r\n" + BODY) as url:
            assert asked(url).content == BODY


class TestStreamsWithoutEnd:
    @pytest.mark.parametrize(
        ("head", "piece", "error"),
        [
            # Endless chunks, and an endless body without a length.
            (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n", TooLarge),
            (OK + b"\r\n", b"x" * 65536, TooLarge),
            # One endless header line, and endless header lines.
            (OK + b"X: ", b"x" * 65536, ZohoUnavailable),
            (OK, b"X: y\r\n" * 10_000, ZohoUnavailable),
            # Endless trailers after a chunked body.
            (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10_000, ZohoUnavailable),
            # An endless status line.
            (b"HTTP/1.1 200 ", b"x" * 65536, ZohoUnavailable),
            # Endless interim responses before the final status.
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, ZohoUnavailable),
        ],
    )
    def test_endless_streams_end_at_a_limit(self, head: bytes, piece: bytes, error: type[ZohoError]) -> None:
        with (
            a_server_that_sends(head, piece_again=piece) as url,
            new_http_client() as http,
            deadline(2),
            pytest.raises(error),
        ):
            exchange(http, "GET", url, call="GET /x")


def test_a_refusal_by_status_counts_with_an_unreadable_body() -> None:
    head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\nxx"
    with a_server_that_sends(head) as url:
        answer = asked(url)
    assert (answer.status, answer.content) == (429, b"")


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip;q=1", "gzip,br", "GZIP , gzip", "\xff"])
def test_only_a_single_gzip_coding_is_read(coding: str) -> None:
    head = OK + b"Content-Encoding: " + coding.encode("latin-1") + b"\r\nContent-Length: 11\r\n\r\n"
    with a_server_that_sends(head + BODY) as url, pytest.raises(UnusableResponse):
        asked(url)


def test_codings_in_several_headers_are_counted_together() -> None:
    head = OK + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\n\r\n"
    with a_server_that_sends(head + BODY) as url, pytest.raises(UnusableResponse):
        asked(url)


def test_a_request_accepts_only_gzip() -> None:
    with new_http_client() as http:
        assert http.build_request("GET", "http://zoho.test/").headers["Accept-Encoding"] == "gzip"


class TestTheLargestHonestAnswers:
    """Real responses are far below the limit."""

    def test_a_full_page_of_contacts_is_far_below_the_limit(self) -> None:
        assert len(in_process_zoho(contacts=200).response("/contacts", per_page=200).body) * 10 < MAX_BODY_BYTES

    def test_a_contact_with_a_thousand_persons_is_far_below_the_limit(self) -> None:
        zoho = in_process_zoho()
        persons = tuple(PersonFields(first_name=f"Person {number}") for number in range(1000))
        (made,) = zoho.mutate(CreateContact(persons=persons))
        assert len(zoho.response(f"/contacts/{made['contact_id']}").body) * 10 < MAX_BODY_BYTES
