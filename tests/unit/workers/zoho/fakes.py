"""A fake Zoho with a list of responses, and fakes of the client's ports; no sockets."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from workers.budget import Lane
from workers.zoho.data_centers import ZohoHosts, zoho_hosts
from workers.zoho.ports import Token
from workers.zoho.transport import ZohoTransport

ORGANIZATION = "10234695"
DATE = "Mon, 05 Oct 2026 08:30:00 GMT"
SERVER_TIME = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
OUR_TIME = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)

Reply = httpx.Response | Exception


def a_reply(status: int = 200, *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
    """A JSON response of Zoho with its `Date`."""
    content = json.dumps({"message": "any text", **body})
    return httpx.Response(status, content=content, headers={"Date": DATE, **(headers or {})})


def a_page(key: str, *rows: object, more: bool = False) -> httpx.Response:
    body: dict[str, Any] = {key: list(rows), "page_context": {"page": 1, "per_page": 200, "has_more_page": more}}
    return a_reply(code=0, **body)


class FakeZoho:
    """Returns its responses in order and records the requests."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self))

    @property
    def query(self) -> dict[str, str]:
        """The query of the last request."""
        return dict(self.requests[-1].url.params)


@dataclass
class FakeTokens:
    token: Token = field(default_factory=lambda: Token("secret-token-1"))
    renewals: list[Token] = field(default_factory=list)
    refusal: Exception | None = None
    keeps_first: bool = False  #: the refused token is tried once more
    is_all: bool = False  #: no other token exists
    looks: int = 0

    def current(self) -> Token:
        self.looks += 1
        return self.token

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:  # noqa: ARG002
        if self.keeps_first and not tried_again:
            return stale
        self.renewals.append(stale)
        if self.refusal is not None:
            raise self.refusal
        if self.is_all:
            return None
        self.token = Token(f"secret-token-{len(self.renewals) + 1}", stale.api_domain)
        return self.token


@dataclass
class FakeBudget:
    """Records requests and responses in order; the next calls raise `refusals` (None: granted)."""

    asked: list[tuple[str, Lane, str]] = field(default_factory=list)
    told: list[tuple[int, int | None]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refusals: list[Exception | None] = field(default_factory=list)
    open_calls: int = 0

    @contextmanager
    def call(self, organization_id: str, *, lane: Lane, holder: str) -> Iterator["FakeBudget"]:
        self.asked.append((organization_id, lane, holder))
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            raise refusal
        self.open_calls += 1
        try:
            yield self
        finally:
            self.open_calls -= 1

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        assert self.open_calls == 1, "recorded while the call still holds its place"
        self.told.append((status, code))
        self.headers.append(headers)


def a_transport(
    zoho: Callable[[httpx.Request], httpx.Response],
    *,
    tokens: FakeTokens | None = None,
    budget: FakeBudget | None = None,
    hosts: ZohoHosts | None = None,
    sleep: Callable[[float], None] = lambda _: None,
) -> ZohoTransport:
    return ZohoTransport(
        httpx.Client(transport=httpx.MockTransport(zoho)),
        organization_id=ORGANIZATION,
        hosts=hosts or zoho_hosts("eu"),
        tokens=tokens or FakeTokens(),
        budget=budget or FakeBudget(),
        lane=Lane.BULK,
        holder="run 7",
        sleep=sleep,
        now=lambda: OUR_TIME,
    )


def a_contact_row(**changes: Any) -> dict[str, Any]:
    """A recorded row of /contacts: only strings, including the primary person's fields."""
    return {
        "contact_id": "460000000026049",
        "contact_name": "Bowman and Co",
        "customer_name": "Bowman and Co",
        "vendor_name": "",
        "company_name": "Bowman",
        "contact_type": "customer",
        "status": "active",
        "payment_terms": -2,
        "outstanding_receivable_amount": 250.0,
        "first_name": "Will",
        "last_name": "Smith",
        "email": "willsmith@example.com",
        "phone": "+1-925-555-0101",
        "mobile": "02070000000 ",
        "created_time": "2013-10-07T18:24:51+0530",
        "last_modified_time": "2013-10-07T18:24:51+0530",
        "custom_fields": [],
        **changes,
    }


def a_person_row(**changes: Any) -> dict[str, Any]:
    return {
        "contact_person_id": "460000000026051",
        "first_name": "Will",
        "last_name": "Smith",
        "email": "willsmith@example.com",
        "phone": "+1-925-555-0101",
        "mobile": "+1-925-555-0102",
        "is_primary_contact": True,
        **changes,
    }


def a_contact_detail(**changes: Any) -> dict[str, Any]:
    return a_contact_row(
        **{
            "primary_contact_id": "460000000026051",
            "contact_persons": [a_person_row()],
            "billing_address": {"country": "U.S.A", "country_code": ""},
            "shipping_address": {"country": "", "country_code": ""},
            "payment_reminder_enabled": True,
            **changes,
        }
    )


def an_invoice_row(**changes: Any) -> dict[str, Any]:
    return {
        "invoice_id": "982000000567114",
        "invoice_number": "INV-0001",
        "customer_id": "460000000026049",
        "customer_name": "Bowman and Co",
        "status": "Sent",
        "date": "2026-09-01",
        "due_date": "2026-10-01",
        "due_days": "Überfällig seit 4 Tagen",
        "total": 40,
        "balance": 40,
        "currency_code": "EUR",
        "last_modified_time": "2026-09-01T10:00:00+0200",
        **changes,
    }
