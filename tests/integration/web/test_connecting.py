"""A user connects organisations in a browser: from a link, over Zoho's consent page, to connections."""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.control import SandboxControl
from tests.integration.environment import environment_of_a_process
from workers.boot.resources import open_resources
from workers.services.clients import add_client
from workers.services.connect_links import ConnectLink, address_of
from workers.web.app import app

PUBLIC_URL = "http://booksync.test"
HOST_APPLICATION = "http://host.test/settings"
COOKIE = "booksync_connect"


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


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=1, invoices=1, organizations=3)
    return simulator


@pytest.fixture(autouse=True)
def environment(
    zoho: SandboxControl, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    with environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url):
        for name, value in {
            "ZOHO_CLIENT_ID": CLIENT_ID,
            "ZOHO_CLIENT_SECRET": CLIENT_SECRET,
            "ZOHO_API_URL": zoho.url,
            "ZOHO_ACCOUNTS_URL": zoho.url,
            "PUBLIC_URL": PUBLIC_URL,
            "CONNECT_RETURN_URLS": HOST_APPLICATION,
        }.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def new_link() -> Callable[..., str]:
    def make(return_url: str | None = None, user_id: str | None = None) -> str:
        with open_resources("test") as resources:
            link = ConnectLink(user_id or str(uuid.uuid4()), return_url)
            return address_of(resources.settings, resources.vault, link)

    return make


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


@pytest.mark.slow
def test_a_user_connects_two_organisations_of_one_login(
    browser: Browser, new_link: Callable[..., str], database_url: str, zoho: SandboxControl
) -> None:
    user_id = str(uuid.uuid4())
    done = choose(browser, consent(browser, new_link(user_id=user_id)), "first", "second")
    assert done.status_code == 200
    assert "Connected" in done.text
    made = connections(database_url)
    assert [owner for owner, _ in made] == [user_id, user_id]
    assert len({organization_id for _, organization_id in made}) == 2
    assert zoho.stats().token_exchanges == 1


def test_the_chosen_organisations_sync_next(browser: Browser, new_link: Callable[..., str], database_url: str) -> None:
    choose(browser, consent(browser, new_link()), "first", "second")
    with psycopg.connect(database_url) as database:
        due = database.execute("SELECT next_sync_at <= now() FROM booksync.zoho_connections").fetchall()
    assert due == [(True,), (True,)]


@pytest.mark.slow
def test_all_organisations_of_a_login_share_one_grant_of_the_data_centre_that_zoho_names(
    browser: Browser, new_link: Callable[..., str], database_url: str, zoho: SandboxControl
) -> None:
    user_id = str(uuid.uuid4())
    for _ in range(2):
        choose(browser, consent(browser, new_link(user_id=user_id), data_center="eu"), "first", "second")
        with psycopg.connect(database_url) as database:
            used = database.execute(
                "SELECT g.client, g.data_center, c.client, c.data_center FROM booksync.zoho_connections AS c"
                " JOIN booksync.grants AS g ON g.id = c.grant_id"
            ).fetchall()
            (grants,) = database.execute("SELECT count(*) FROM booksync.grants").fetchone() or (0,)
        assert used == [("default", "com", "default", "com")] * 2
        assert grants == 1
    assert zoho.stats().token_refreshes == 0


def test_the_clients_own_secret_of_the_data_centre_is_used(
    browser: Browser, new_link: Callable[..., str], database_url: str, zoho: SandboxControl
) -> None:
    zoho.register_client(CLIENT_ID, "american-secret", "com")
    with open_resources("test") as resources:
        add_client(resources, name="books-us", client_id=CLIENT_ID, data_center="com", secret="american-secret")
    assert choose(browser, consent(browser, new_link()), "one").status_code == 200
    with psycopg.connect(database_url) as database:
        used = database.execute("SELECT client FROM booksync.zoho_connections").fetchall()
    assert used == [("books-us",)]


def test_a_host_application_gets_its_user_back_with_the_connection(
    browser: Browser, new_link: Callable[..., str], database_url: str
) -> None:
    done = choose(browser, consent(browser, new_link(HOST_APPLICATION)), "one")
    with psycopg.connect(database_url) as database:
        (connection_id,) = database.execute("SELECT id::text FROM booksync.zoho_connections").fetchone() or ("",)
    assert done.status_code == 303
    assert done.headers["location"] == f"{HOST_APPLICATION}?connected={connection_id}"


@pytest.mark.slow
def test_a_second_connect_revives_the_same_connection(
    browser: Browser, new_link: Callable[..., str], database_url: str
) -> None:
    user_id = str(uuid.uuid4())
    for _ in range(2):
        choose(browser, consent(browser, new_link(user_id=user_id)), "one")
    assert len(connections(database_url)) == 1


@pytest.mark.slow
def test_no_sync_is_promised_for_a_paused_connection(
    browser: Browser, new_link: Callable[..., str], database_url: str
) -> None:
    user_id = str(uuid.uuid4())
    assert "A sync begins" in choose(browser, consent(browser, new_link(user_id=user_id)), "one").text
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("UPDATE booksync.zoho_connections SET status = 'paused', paused_at = now()")
    page = choose(browser, consent(browser, new_link(user_id=user_id)), "one").text
    assert "A sync begins" not in page
    assert "does not sync until its operator resumes it" in page


@pytest.mark.slow
def test_only_a_browser_with_a_console_session_is_led_back_to_the_console(
    browser: Browser, new_link: Callable[..., str]
) -> None:
    assert "You can close this page" in choose(browser, consent(browser, new_link()), "one").text
    browser.cookies.set("booksync_session", "of an operator")
    page = choose(browser, consent(browser, new_link()), "one").text
    assert '<a href="../">Back to the console</a>' in page
    assert "You can close this page" not in page


class TestWhatIsRefused:
    def test_a_refused_consent_connects_nothing(
        self, browser: Browser, new_link: Callable[..., str], database_url: str
    ) -> None:
        page = browser.get(consent(browser, new_link(), decision="reject"))
        assert page.status_code == 400
        assert "not allowed to share" in page.text
        assert "Try again" in page.text
        assert connections(database_url) == []

    def test_a_code_that_zoho_refuses_is_explained_to_the_user(
        self, browser: Browser, new_link: Callable[..., str]
    ) -> None:
        page = browser.get(consent(browser, new_link()).replace("code=1000", "code=2000"))
        assert page.status_code == 400
        assert "valid for a minute" in page.text
        assert "Try again" in page.text
        assert "booksync connect" not in page.text

    def test_a_state_of_another_browser_is_refused(
        self, browser: Browser, new_link: Callable[..., str], zoho: SandboxControl
    ) -> None:
        back = consent(browser, new_link())
        stranger = Browser()
        consent(stranger, new_link())
        assert stranger.get(back).status_code == 400
        assert Browser().get(back).status_code == 400
        assert zoho.stats().token_exchanges == 0

    def test_a_state_is_used_once(self, browser: Browser, new_link: Callable[..., str]) -> None:
        back = consent(browser, new_link())
        before = replace(browser, cookies=httpx.Cookies(browser.cookies))
        assert browser.get(back).status_code == 303
        assert before.get(back).status_code == 400

    def test_an_older_way_back_leaves_the_choice_open(self, browser: Browser, new_link: Callable[..., str]) -> None:
        back = consent(browser, new_link())
        page = browser.get(back).headers["location"]
        assert browser.get(back).status_code == 400
        assert browser.get(page).status_code == 200

    def test_the_choice_of_another_page_is_refused(
        self, browser: Browser, new_link: Callable[..., str], database_url: str, zoho: SandboxControl
    ) -> None:
        browser.get(consent(browser, new_link()))
        forged = browser.post("/connect/organizations", state="forged", organization=zoho.organization_id)
        assert forged.status_code == 400
        assert connections(database_url) == []

    def test_an_organisation_of_another_login_is_not_connected(
        self, browser: Browser, new_link: Callable[..., str], database_url: str
    ) -> None:
        returned = browser.get(consent(browser, new_link()))
        page = browser.get(returned.headers["location"]).text
        state = re.findall(r'name="state" value="([^"]+)"', page)[0]
        assert browser.post("/connect/organizations", state=state, organization="999").status_code == 400
        assert connections(database_url) == []

    @pytest.mark.parametrize(
        "change", [lambda link: link[:-5], lambda link: link.split("?")[0], lambda link: link.replace("=", "=x")]
    )
    def test_an_altered_link_is_refused(
        self, browser: Browser, new_link: Callable[..., str], change: Callable[[str], str]
    ) -> None:
        assert browser.get(change(new_link())).status_code == 410

    def test_an_unknown_location_is_refused(
        self, browser: Browser, new_link: Callable[..., str], zoho: SandboxControl
    ) -> None:
        back = consent(browser, new_link()).replace("location=us", "location=evil.example")
        assert browser.get(back).status_code == 502
        assert zoho.stats().token_exchanges == 0


def test_no_page_or_cookie_has_a_token_or_a_code_in_clear(browser: Browser, new_link: Callable[..., str]) -> None:
    back = consent(browser, new_link())
    code = parse_qs(urlsplit(back).query)["code"][0]
    returned = browser.get(back)
    page = browser.get(returned.headers["location"])
    for text in (returned.headers["set-cookie"], page.text, page.headers["content-security-policy"]):
        assert code not in text
        assert "1000." not in text
    assert "httponly" in returned.headers["set-cookie"].lower()
    assert page.headers["cache-control"] == "no-store"


def test_without_redis_the_page_says_so(
    browser: Browser, new_link: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.boot.settings import settings

    link = new_link()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    sealed = parse_qs(urlsplit(link).query)["link"][0]
    page = browser.post("/connect", link=sealed, data_center="com")
    assert page.status_code in {409, 503}
    assert COOKIE not in browser.cookies
    assert "Try again" in page.text
