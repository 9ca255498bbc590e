"""A user's browser on the pages that connect organisations: from a link, over Zoho's consent page, and back."""

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg

from workers.web.app import app

PUBLIC_URL = "http://booksync.test"
HOST_APPLICATION = "http://host.test/settings"


@dataclass
class Browser:
    """A browser that follows no redirect by itself; its pages are served in this process."""

    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, address: str) -> httpx.Response:
        return asyncio.run(self._request("GET", address, {}))

    def post(self, address: str, **form: str | list[str]) -> httpx.Response:
        return asyncio.run(self._request("POST", address, form))

    async def _request(self, method: str, address: str, form: dict[str, str | list[str]]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, cookies=self.cookies) as client,
        ):
            response = await client.request(method, address, data=form or None)
            self.cookies = client.cookies
            return response


def consent(browser: Browser, link: str, *, decision: str = "accept", data_center: str = "com") -> str:
    """Open the link, decide on Zoho's page, and return the address to which Zoho sends the browser back."""
    assert "Continue to Zoho" in browser.get(link).text
    sealed = parse_qs(urlsplit(link).query)["link"][0]
    led = browser.post("/connect", link=sealed, data_center=data_center)
    assert led.status_code == 303, led.text
    return httpx.post(led.headers["location"], data={"decision": decision}).headers["location"]


def choose(browser: Browser, back: str, *names: str) -> httpx.Response:
    """Come back from Zoho, and connect the first organisations of the page, as many as `names`; "" chooses none."""
    returned = browser.get(back)
    assert returned.status_code == 303, returned.text
    page = browser.get(returned.headers["location"]).text
    state = re.findall(r'name="state" value="([^"]+)"', page)[0]
    offered = re.findall(r'name="organization" value="(\d+)"', page)
    chosen = [identifier for identifier in offered if identifier in names] or offered[: len(names)]
    return browser.post("/connect/organizations", state=state, organization=chosen)


def connections(database_url: str) -> list[tuple[str, str]]:
    with psycopg.connect(database_url) as database:
        rows = database.execute("SELECT user_id::text, organization_id FROM booksync.zoho_connections ORDER BY 2")
        return [(str(user_id), str(organization_id)) for user_id, organization_id in rows]
