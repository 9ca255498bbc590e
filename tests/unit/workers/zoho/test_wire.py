"""One HTTP exchange: bounded, and without secrets in errors and texts."""

from collections.abc import Iterator

import httpcore
import httpx
import pytest

from tests.tables import table
from tests.unit.workers.zoho.fakes import FakeZoho, a_reply
from workers.zoho import wire
from workers.zoho.deadline import DeadlineBackend
from workers.zoho.errors import UnusableResponse, ZohoUnavailable
from workers.zoho.wire import exchange, new_http_client


def the_exchange(zoho: FakeZoho) -> wire.WireResponse:
    return exchange(
        zoho.http, "GET", "https://zoho.test/x", call="GET /x", headers={"Authorization": "Zoho-oauthtoken secret"}
    )


@table(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.PoolTimeout("busy"),
        # A reset in the middle.
        httpx.ReadError("reset by peer"),
        # A truncated body.
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        # A body with the header of gzip that is not gzip.
        httpx.DecodingError("incorrect header check"),
    ],
)
def test_network_error_is_transient_and_named(trouble: httpx.RequestError) -> None:
    with pytest.raises(ZohoUnavailable) as failed:
        the_exchange(FakeZoho(trouble))

    assert str(failed.value).endswith(f"(GET /x: {type(trouble).__name__} at zoho.test)")


def test_a_broken_compression_is_transient() -> None:
    zoho = FakeZoho(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks(b"no gzip")))

    with pytest.raises(ZohoUnavailable, match="DecodingError"):
        the_exchange(zoho)


def test_a_refusal_with_a_broken_body_is_still_a_refusal() -> None:
    headers = {"Content-Encoding": "gzip", "Retry-After": "7"}
    found = the_exchange(FakeZoho(httpx.Response(429, headers=headers, stream=Chunks(b"no gzip"))))

    assert (found.status, found.headers["Retry-After"], found.content) == (429, "7", b"")


def test_an_illegal_header_is_not_quoted() -> None:
    quoting = httpx.LocalProtocolError("Illegal header value b'Zoho-oauthtoken secret'")

    with pytest.raises(ZohoUnavailable) as failed:
        the_exchange(FakeZoho(quoting))

    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


class Chunks(httpx.SyncByteStream):
    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.read += 1
            yield chunk


def test_endless_body_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BODY_BYTES", 10)
    body = Chunks(*[b"12345678"] * 100)

    with pytest.raises(UnusableResponse, match="larger than 10 bytes"):
        the_exchange(FakeZoho(httpx.Response(200, stream=body)))

    assert body.read == 2


def test_repr_of_a_response_shows_neither_headers_nor_content() -> None:
    answer = the_exchange(FakeZoho(a_reply(code=0, contact_name="Will", headers={"Set-Cookie": "secret"})))

    assert repr(answer) == "WireResponse(status=200)"


def test_client_sends_its_user_agent_and_bounds_every_wait() -> None:
    with new_http_client() as http:
        assert http.headers["User-Agent"].startswith("booksync/")
        assert None not in (http.timeout.connect, http.timeout.read, http.timeout.write, http.timeout.pool)
        assert not http.follow_redirects


def test_the_client_follows_no_redirect_and_keeps_no_cookie() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    backend = DeadlineBackend(httpcore.MockBackend([redirect]))

    with new_http_client(backend=backend) as http:
        answer = exchange(http, "GET", "http://zoho.test/x", call="GET /x")

        assert answer.status == 302
        assert list(http.cookies.jar) == []
