"""One call with token, budget, errors and the server's time."""

import time

import httpx
import pytest
from structlog.testing import capture_logs

from tests.unit.workers.zoho.fakes import (
    DATE,
    ORGANIZATION,
    OUR_TIME,
    SERVER_TIME,
    FakeBudget,
    FakeTokens,
    FakeZoho,
    a_reply,
    a_transport,
)
from workers.budget import BudgetWait, Lane, WaitReason
from workers.zoho import deadline
from workers.zoho.data_centers import zoho_hosts
from workers.zoho.errors import Throttled, WrongOrganization, ZohoUnavailable
from workers.zoho.ports import Token


def test_a_call_carries_the_token_and_the_organisation() -> None:
    zoho = FakeZoho(a_reply(code=0))

    a_transport(zoho).get("/contacts", {"page": "1"})

    request = zoho.requests[0]
    assert request.url.copy_with(query=None) == "https://www.zohoapis.eu/books/v3/contacts"
    assert zoho.query == {"page": "1", "organization_id": ORGANIZATION}
    assert request.headers["Authorization"] == "Zoho-oauthtoken secret-token-1"


def test_a_plus_is_sent_escaped() -> None:
    zoho = FakeZoho(a_reply(code=0))

    a_transport(zoho).get("/contacts", {"last_modified_time": "2013-10-07T18:24:51+0530"})

    assert b"%2B0530" in zoho.requests[0].url.query


def test_token_determines_the_host_unless_the_settings_do() -> None:
    zoho = FakeZoho(a_reply(code=0), a_reply(code=0))
    tokens = FakeTokens(Token("t", "https://www.zohoapis.in"))

    a_transport(zoho, tokens=tokens).get("/contacts")
    a_transport(zoho, tokens=tokens, hosts=zoho_hosts("eu", api_url="http://127.0.0.1:9000")).get("/contacts")

    assert [request.url.host for request in zoho.requests] == ["www.zohoapis.in", "127.0.0.1"]


def test_a_token_for_another_host_is_used_at_the_data_center_and_the_host_is_logged_once() -> None:
    zoho = FakeZoho(a_reply(code=0), a_reply(code=0))
    tokens = FakeTokens(Token("t", "https://www.zohoapis.com.evil.example"))
    transport = a_transport(zoho, tokens=tokens)

    with capture_logs() as logs:
        transport.get("/contacts")
        transport.get("/contacts")

    assert [request.url.host for request in zoho.requests] == ["www.zohoapis.eu", "www.zohoapis.eu"]
    assert logs == [
        {
            "event": "An access token names an unknown host as api_domain, so booksync calls the data centre's host",
            "action": "zoho.api_domain_refused",
            "refused": "https://www.zohoapis.com.evil.example",
            "used": "https://www.zohoapis.eu",
            "log_level": "warning",
        }
    ]


def test_budget_grants_the_call_and_records_the_response() -> None:
    budget = FakeBudget()

    a_transport(FakeZoho(a_reply(code=0, headers={"X-Rate-Limit-Remaining": "17"})), budget=budget).get("/contacts")

    assert budget.asked == [(ORGANIZATION, Lane.BULK, "run 7")]
    assert budget.told == [(200, 0)]
    assert budget.headers[0]["x-rate-limit-remaining"] == "17"


def test_no_call_without_a_grant_of_the_budget() -> None:
    zoho = FakeZoho()
    transport = a_transport(zoho, budget=FakeBudget(refusals=[BudgetWait(40, WaitReason.MINUTE)]))

    with pytest.raises(BudgetWait):
        transport.get("/contacts")

    assert zoho.requests == []
    assert transport.calls == 0


def test_repeated_call_may_wait_for_the_budget() -> None:
    budget = FakeBudget(refusals=[None, BudgetWait(40, WaitReason.MINUTE)])
    transport = a_transport(FakeZoho(a_reply(401, code=57)), budget=budget)

    with pytest.raises(BudgetWait):
        transport.get("/contacts")

    assert transport.calls == 1


def test_budget_records_a_throttle_before_the_caller_gets_it() -> None:
    budget = FakeBudget()

    with pytest.raises(Throttled) as throttled:
        a_transport(FakeZoho(a_reply(429, code=45)), budget=budget).get("/contacts")

    assert budget.told == [(429, 45)]
    assert throttled.value.code == 45


def test_configuration_error_is_not_retried() -> None:
    zoho = FakeZoho(a_reply(400, code=6041))
    tokens = FakeTokens()

    with pytest.raises(WrongOrganization):
        a_transport(zoho, tokens=tokens).get("/contacts")

    assert tokens.renewals == []


def test_call_without_a_response_counts_and_frees_its_place() -> None:
    budget = FakeBudget()
    transport = a_transport(FakeZoho(httpx.ReadTimeout("slow")), budget=budget)

    with pytest.raises(ZohoUnavailable):
        transport.get("/contacts")

    assert transport.calls == 1
    assert (budget.open_calls, budget.told) == (0, [])


@pytest.mark.parametrize(
    ("date", "server_time"),
    [
        (DATE, SERVER_TIME),
        # Another time zone, and no time zone.
        ("Mon, 05 Oct 2026 14:00:00 +0530", SERVER_TIME),
        ("Mon, 05 Oct 2026 08:30:00 -0000", SERVER_TIME),
        # Unreadable values.
        ("", OUR_TIME),
        ("yesterday", OUR_TIME),
        ("Mon, 99 Oct 2026 08:30:00 GMT", OUR_TIME),
        ("Mon, 05 Oct 2026 08:30:00 +9999", OUR_TIME),
    ],
)
def test_time_is_the_servers_when_it_sends_a_date(date: str, server_time: object) -> None:
    answer = a_transport(FakeZoho(a_reply(code=0, headers={"Date": date}))).get("/contacts")

    assert answer.server_time == server_time


def test_local_time_is_used_without_a_date() -> None:
    answer = a_transport(FakeZoho(httpx.Response(200, content=b'{"code": 0}'))).get("/contacts")

    assert answer.server_time == OUR_TIME


def test_the_whole_call_has_one_deadline_for_both_attempts() -> None:
    ends: list[float | None] = []

    def zoho(request: httpx.Request) -> httpx.Response:
        ends.append(deadline._deadline.get())
        return a_reply(code=0) if len(ends) == 2 else a_reply(401, code=57)

    a_transport(zoho).get("/contacts")

    assert ends[0] is not None
    assert ends[0] <= time.monotonic() + 60
    assert ends[0] == ends[1]
    assert deadline._deadline.get() is None


def test_no_repr_shows_a_secret_or_a_body() -> None:
    tokens = FakeTokens()
    transport = a_transport(FakeZoho(a_reply(code=0, contact_name="Will Smith")), tokens=tokens)
    answer = transport.get("/contacts")

    shown = repr(transport) + str(transport) + repr(answer) + repr(tokens.token)
    assert "secret" not in shown
    assert "Will" not in shown
