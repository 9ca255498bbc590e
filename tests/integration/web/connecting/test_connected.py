"""A user connects organisations in a browser: from a link, over Zoho's consent page, to connections."""

import uuid
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from sandbox.zoho.clients import CLIENT_ID
from sandbox.zoho.control import SandboxControl
from tests.integration.web.connecting.connect_browser import HOST_APPLICATION, Browser, choose, connections, consent
from workers.boot.resources import open_resources
from workers.services.clients import add_client


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
