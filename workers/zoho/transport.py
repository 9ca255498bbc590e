"""One GET request to Zoho Books, with access token, API budget, deadline, errors and the server's time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import structlog

from domain.call_kinds import CallKind, kind_of
from domain.versions import FURTHEST_AHEAD
from workers.budget import CALL_SECONDS, Lane
from workers.zoho.data_centers import ZohoHosts
from workers.zoho.deadline import deadline
from workers.zoho.errors import REFUSED_TOKEN
from workers.zoho.ports import Budget, Token, Tokens
from workers.zoho.responses import ApiResponse, read_result, refusal
from workers.zoho.wire import WireResponse, exchange

#: The pause before another attempt with an access token that Zoho has refused.
TRY_AGAIN_SECONDS = 0.5

_BASE_PATH = "/books/v3"

#: The maximum length of a refused `api_domain` in the log line.
_LONGEST_HOST = 253

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Response:
    """A usable response of Zoho: its JSON (fractions are Decimal) and the server's time of the response."""

    call: str  #: method and path, for errors found in the response later
    body: Mapping[str, Any] = field(repr=False)
    #: The server's time (UTC), from the `Date` header; booksync's clock if the header is missing or implausible.
    server_time: datetime
    received_at: datetime  #: UTC, by our clock
    content: bytes = field(default=b"", repr=False)  #: the body's bytes, which a run stages


class ZohoTransport:
    """Calls the API of one organisation.

    >>> zoho = ZohoTransport(http, organization_id="1", hosts=hosts, tokens=tokens, budget=budget,
    ...                      lane=Lane.BULK, holder="run 7")
    >>> zoho.get("/contacts", {"page": "1"}).body["contacts"]
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        organization_id: str,
        hosts: ZohoHosts,
        tokens: Tokens,
        budget: Budget,
        lane: Lane,
        holder: str,
        call_seconds: float = CALL_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_call: Callable[[CallKind, float], None] = lambda _kind, _seconds: None,
    ) -> None:
        self.organization_id = organization_id
        self.server_time: datetime | None = None  #: the time (UTC) of the last response
        self.last_call_seconds = 0.0  #: how long the last request to the API took
        self.calls = 0  #: requests sent to the API, including failed and repeated ones, without token requests
        self._http = http
        self._hosts = hosts
        self._tokens = tokens
        self._budget = budget
        self._lane = lane
        self._holder = holder
        self._call_seconds = call_seconds
        self._sleep = sleep
        self._now = now
        self._on_call = on_call  # Called with the kind and the seconds of each request, also of a failed one.
        self.renewals = 0  #: how often a refused token was replaced by another one
        self._held: Token | None = None  # The access token of the next call.
        self._held_until = 0.0
        self._served: Token | None = None  # The access token of the last accepted call.
        self._refused_records: set[str] = set()  # The paths that Zoho has refused since the last accepted call.
        self._refused_domain: str | None = None  # The refused `api_domain` is kept, so that it is logged once.

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        scoped: bool = True,
        is_one_record: bool = False,
    ) -> Response:
        """GET a path below /books/v3, such as "/contacts"; `scoped` adds the organisation's id to the query.

        After Zoho has refused a token, the call is repeated with the same token or with another one, as `Tokens`
        decides. Each attempt is a separate call for the API budget. If Zoho refuses the other token too, the attempts
        end.

        With `is_one_record` the call reads one record, and a refusal may concern only that record. If Zoho has just
        accepted the token for another call, the same token is tried once more. The token is refreshed only when Zoho
        refuses a second record in a row.

        Raises:
            BudgetWait: the API budget defers the call, which was not made.
            ZohoError: every kind of `workers.zoho.errors` (API section 4: errors).
        """
        query = dict(params or {})
        if scoped:
            query["organization_id"] = self.organization_id
        call = f"GET {path}"
        with deadline(self._call_seconds):
            response = self._accepted(path, query, is_one_record=is_one_record)
        error = refusal(response, call)
        if error is not None:
            raise error
        assert response.body is not None  # `refusal` returns an error for every response without a body.
        assert self.server_time is not None
        return Response(
            call=call,
            body=response.body,
            server_time=self.server_time,
            received_at=self._now(),
            content=response.content,
        )

    def _accepted(self, path: str, query: Mapping[str, str], *, is_one_record: bool) -> ApiResponse:
        """The response to the first token that Zoho accepts, or Zoho's refusal of the last token."""
        token = self._current_token()
        response = self._call(path, query, token)
        for tried_again in (False, True):
            if not _is_refused(response):
                break
            following = self._token_after(token, path, tried_again=tried_again, is_one_record=is_one_record)
            if following is None:
                break
            is_renewed = following != token
            if is_renewed:
                self.renewals += 1
                self._hold(following)
            else:
                self._sleep(TRY_AGAIN_SECONDS)
            token = following
            response = self._call(path, query, token)
            if is_renewed:
                break
        if _is_refused(response):
            self._held = None
            self._refused_records.add(path)
        else:
            self._served, self._refused_records = token, set()
        return response

    def _current_token(self) -> Token:
        """The token of the last call while it may be used, else the stored token, whose reading costs a round trip."""
        if self._held is None or time.monotonic() >= self._held_until:
            return self._hold(self._tokens.current())
        return self._held

    def _hold(self, token: Token) -> Token:
        self._held, self._held_until = token, time.monotonic() + token.reusable_seconds
        return token

    def _token_after(self, refused: Token, path: str, *, tried_again: bool, is_one_record: bool) -> Token | None:
        """The access token of the next attempt; None ends the attempts."""
        if is_one_record and refused == self._served and self._refused_records <= {path}:
            return None if tried_again else refused
        return self._tokens.renewed(refused, tried_again=tried_again, is_one_record=is_one_record)

    def _call(self, path: str, query: Mapping[str, str], token: Token) -> ApiResponse:
        url = self._origin(token) + _BASE_PATH + path
        headers = {"Authorization": f"Zoho-oauthtoken {token.value}"}
        with self._budget.call(self.organization_id, lane=self._lane, holder=self._holder) as admission:
            self.calls += 1
            began = time.monotonic()
            try:
                wire = exchange(self._http, "GET", url, call=f"GET {path}", params=query, headers=headers)
            finally:
                self.last_call_seconds = time.monotonic() - began
                self._on_call(kind_of(path), self.last_call_seconds)
            response = read_result(wire)
            # The response is reported inside the block, because the budget must record a 429 before this call's place
            # is free for another call.
            admission.responded(response.status, response.code, wire.headers)
        self.server_time = self._server_time(wire)
        return response

    def _origin(self, token: Token) -> str:
        refused = token.api_domain if self._hosts.refuses(token.api_domain) else None
        if refused is not None and refused != self._refused_domain:
            log.warning(
                "An access token names an unknown host as api_domain, so booksync calls the data centre's host",
                action="zoho.api_domain_refused",
                refused=refused[:_LONGEST_HOST],
                used=self._hosts.api_origin,
            )
        self._refused_domain = refused
        return self._hosts.api_origin_for(token.api_domain)

    def _server_time(self, wire: WireResponse) -> datetime:
        """The time of Zoho's response.

        booksync's clock is used if the `Date` header is missing or differs by more than a day. With a time far in the
        future, rows in the cache would look newer than all later responses.
        """
        server_time, now = _http_date(wire.headers.get("date")), self._now()
        if server_time is None:
            log.warning(
                "A response of Zoho has no readable Date header, so booksync dates the response by its own clock",
                action="zoho.no_date",
            )
            return now
        if abs(server_time - now) > FURTHEST_AHEAD:
            log.warning(
                "The Date header of a Zoho response is implausible, so booksync dates the response by its own clock",
                action="zoho.wrong_date",
                date=server_time.isoformat(),
            )
            return now
        return server_time


def _is_refused(response: ApiResponse) -> bool:
    """Whether Zoho refuses the access token.

    A refusal because of a missing scope looks the same as one because of an expired token, so it is included.
    """
    return isinstance(refusal(response, ""), REFUSED_TOKEN)


def _http_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
        # A date with "-0000" is parsed as naive, and means UTC.
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
