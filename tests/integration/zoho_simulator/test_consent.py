"""The simulator's consent page leads a browser back to the client, as Zoho's does."""

from collections.abc import Iterator
from html import escape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.consent import AUTH_PATH
from sandbox.zoho.control import SandboxControl

RETURN_TO = "http://127.0.0.1:9000/oauth/callback"
QUERY = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "scope": "ZohoBooks.contacts.READ,ZohoBooks.invoices.READ",
    "redirect_uri": RETURN_TO,
    "access_type": "offline",
    "state": "a state",
}


@pytest.fixture
def browser(simulator: SandboxControl) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url) as browser:
        yield browser


def told(response: httpx.Response) -> dict[str, str]:
    """The parameters of the address to which Zoho returns the user."""
    address = urlsplit(response.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == RETURN_TO
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def exchanged(browser: httpx.Client, code: str, **changes: str) -> dict[str, object]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": RETURN_TO,
    }
    document: dict[str, object] = browser.post("/oauth/v2/token", data=form | changes).json()
    return document


def decide(browser: httpx.Client, decision: str, **changes: str) -> httpx.Response:
    return browser.post(AUTH_PATH, params=QUERY | changes, data={"decision": decision})


def test_the_page_names_the_scopes_and_organisations(browser: httpx.Client, simulator: SandboxControl) -> None:
    page = browser.get(AUTH_PATH, params=QUERY).text
    assert "ZohoBooks.invoices.READ" in page
    assert escape(simulator.snapshot()["organization"]["name"]) in page


def test_consent_returns_a_code_with_the_location_and_the_state(
    browser: httpx.Client, simulator: SandboxControl
) -> None:
    returned = told(decide(browser, "accept"))
    assert (returned["location"], returned["accounts-server"]) == ("us", simulator.url)
    assert returned["state"] == "a state"
    assert exchanged(browser, returned["code"])["refresh_token"]


def test_a_refusal_returns_an_error_with_the_state(browser: httpx.Client) -> None:
    assert told(decide(browser, "reject")) == {"error": "access_denied", "state": "a state"}


def test_a_code_is_exchanged_with_its_own_redirect_uri_only(browser: httpx.Client) -> None:
    code = told(decide(browser, "accept"))["code"]
    assert exchanged(browser, code, redirect_uri="http://127.0.0.1:9000/other") == {"error": "invalid_redirect_uri"}


def test_online_access_yields_no_refresh_token(browser: httpx.Client) -> None:
    code = told(decide(browser, "accept", access_type="online"))["code"]
    assert "refresh_token" not in exchanged(browser, code)


@pytest.mark.parametrize(
    ("name", "value"), [("client_id", "unknown"), ("response_type", "token"), ("scope", ""), ("redirect_uri", "x")]
)
def test_a_wrong_request_gets_an_error_page_and_no_redirect(browser: httpx.Client, name: str, value: str) -> None:
    response = browser.get(AUTH_PATH, params=QUERY | {name: value})
    assert response.status_code == 400
    assert "location" not in response.headers
