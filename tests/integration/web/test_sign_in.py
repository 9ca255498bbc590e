"""Operators sign in to the console and sign out. They have names, roles and sessions that expire."""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest
from cryptography.fernet import Fernet

from domain.operators import Role
from tests.integration.web.console_browser import (
    CONSOLE_PASSWORD,
    PASSWORD,
    SESSION,
    ConsoleBrowser,
    post_at_once,
    running_console,
    token_in,
)
from tests.integration.web.web_process import nowhere
from workers.boot.basics import open_basics
from workers.services.operators import save_operator
from workers.web.app import app
from workers.web.console import password_check


class TestSigningIn:
    def test_a_browser_without_a_session_is_led_to_the_sign_in_page(self, browser: ConsoleBrowser) -> None:
        response = browser.get("/")
        assert (response.status_code, response.headers["location"]) == (303, "./sign-in")
        page = browser.get("/sign-in")
        assert page.status_code == 200
        for needed in ('autocomplete="username"', 'autocomplete="current-password"', "<label>", 'method="post"'):
            assert needed in page.text
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert "form-action 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"

    def test_an_operator_signs_in_and_out(self, ana: ConsoleBrowser) -> None:
        page = ana.get("/")
        assert page.status_code == 200
        assert "ana, viewer" in page.text
        assert "Sign out" in page.text

        response = ana.post("/sign-out", csrf_token=token_in(page))

        assert (response.status_code, response.headers["location"]) == (303, "./sign-in")
        assert not ana.is_signed_in()

    @pytest.mark.parametrize("name", ["", "operator", " Operator "])
    def test_the_console_password_signs_an_operator_in(self, browser: ConsoleBrowser, name: str) -> None:
        assert browser.sign_in(name, CONSOLE_PASSWORD).status_code == 303
        assert "<span>operator</span>" in browser.get("/").text

    @pytest.mark.usefixtures("ana")
    def test_the_name_may_be_written_in_any_letters(self, runner: asyncio.Runner) -> None:
        assert ConsoleBrowser(runner).sign_in(" ANA ", PASSWORD).status_code == 303

    @pytest.mark.usefixtures("ana")
    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("ana", "wrong password"),
            # the password of CONSOLE_PASSWORD with a name, and the reverse
            ("ana", CONSOLE_PASSWORD),
            ("", PASSWORD),
            ("operator", PASSWORD),
            # unknown names, also hostile ones
            ("ben", PASSWORD),
            ("<script>alert(1)</script>", PASSWORD),
            ("\u202eana\x01", PASSWORD),
            ("x" * 500, "x" * 5000),
            ("ana", ""),
        ],
    )
    def test_a_wrong_pair_is_refused_in_the_same_words(self, runner: asyncio.Runner, name: str, password: str) -> None:
        stranger = ConsoleBrowser(runner)
        response = stranger.sign_in(name, password)
        assert response.status_code == 401
        assert 'role="alert" id="problem">The name or the password is wrong.' in response.text
        assert not any(given in response.text for given in ("<script>alert", "xxx", "\u202e"))
        assert not stranger.is_signed_in()

    def test_names_and_passwords_are_in_no_address_and_no_log(
        self, ana: ConsoleBrowser, runner: asyncio.Runner, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = ConsoleBrowser(runner).sign_in("secret-name", "secret-password")
        assert "secret" not in str(response.url) + response.text
        ana.post("/sign-out", csrf_token=ana.token("/"))
        logged = str([record.getMessage() for record in caplog.records])
        assert "console.wrong_password" in logged
        assert not any(hidden in logged for hidden in ("secret-name", "secret-password", PASSWORD, "'ana'"))


class TestGuessing:
    def test_wrong_passwords_of_operators_and_of_the_console_are_counted_together(
        self, ana: ConsoleBrowser, runner: asyncio.Runner
    ) -> None:
        for name in ("ana", "ben", ""):
            ConsoleBrowser(runner).sign_in(name, "wrong password")
        metrics = ana.get("/metrics").text
        assert 'booksync_console_passwords_total{outcome="wrong"} 3.0' in metrics
        assert 'booksync_console_passwords_total{outcome="right"} 1.0' in metrics

    @pytest.mark.slow
    def test_parallel_guesses_of_one_address_are_not_checked(
        self, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(password_check, "DELAY_SECONDS", 1)
        browsers = [ConsoleBrowser(runner) for _ in range(4)]
        forms = [(each, guess(each, "ana")) for each in browsers]
        assert sorted(post_at_once(runner, "/sign-in", forms)) == [401, 429, 429, 429]

    @pytest.mark.slow
    def test_guesses_from_many_addresses_are_bounded(
        self, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(password_check, "DELAY_SECONDS", 1)
        browsers = [ConsoleBrowser(runner, f"198.51.100.{number}") for number in range(20)]
        forms = [(each, guess(each, name)) for each, name in zip(browsers, ["ana", ""] * 10, strict=True)]
        statuses = post_at_once(runner, "/sign-in", forms)
        assert (statuses.count(401), statuses.count(429)) == (password_check.MOST_DELAYED, 12)

    def test_basic_authentication_and_the_form_share_the_delay_of_an_address(
        self, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        delays: list[float] = []

        async def sleep(seconds: float) -> None:
            delays.append(seconds)

        monkeypatch.setattr(password_check, "DELAY_SECONDS", 1)
        monkeypatch.setattr(app.state.password_check, "_sleep", sleep)
        browser = ConsoleBrowser(runner)
        assert browser.get("/", Authorization="Basic eDp3cm9uZw==").status_code == 401
        assert browser.sign_in("ana", "wrong password").status_code == 401
        assert browser.sign_in("", "wrong password").status_code == 401
        assert delays == [1, 2, 3]


def guess(browser: ConsoleBrowser, name: str) -> dict[str, str]:
    return {"csrf_token": browser.token("/sign-in"), "name": name, "password": "wrong password"}


class TestWithoutPostgres:
    @pytest.fixture
    def unserved(self, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[ConsoleBrowser]:
        with running_console(monkeypatch, database_url=nowhere("postgresql"), redis_url=redis_url) as running:
            yield ConsoleBrowser(running)

    @pytest.mark.parametrize("path", ["/", "/sign-in"])
    def test_a_page_says_that_postgres_does_not_work(self, unserved: ConsoleBrowser, path: str) -> None:
        response = unserved.get(path)
        assert response.status_code == 503
        assert "Postgres: " in response.text
        assert "Try again in a moment." in response.text


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Callable[[], ConsoleBrowser]]:
    """Starts a web process without CONSOLE_PASSWORD, unless the test has set one."""
    running = []

    def begin() -> ConsoleBrowser:
        running.append(running_console(monkeypatch, database_url=database_url, redis_url=redis_url))
        return ConsoleBrowser(running[-1].__enter__())

    yield begin
    for each in reversed(running):
        each.__exit__(None, None, None)


class TestSettings:
    def test_without_any_password_the_page_says_how_to_open_the_console(
        self, start: Callable[[], ConsoleBrowser]
    ) -> None:
        browser = start()
        for path in ("/", "/sign-in"):
            page = browser.get(path)
            assert page.status_code == 404
            assert "The console is off: set CONSOLE_PASSWORD to open it." in page.text
            assert "booksync operators add NAME --role operator" in page.text

    @pytest.mark.slow
    def test_with_an_operator_the_console_needs_no_console_password(
        self, start: Callable[[], ConsoleBrowser], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", "short")
        browser = start()
        assert browser.get("/").status_code == 403
        with open_basics("booksync tests") as basics:
            save_operator(basics, "ana", Role.VIEWER, PASSWORD)
        assert browser.get("/").status_code == 303
        assert browser.sign_in("", "short").status_code == 401
        assert browser.sign_in("ana", PASSWORD).status_code == 303
        assert browser.is_signed_in()

    @pytest.mark.parametrize(
        ("public_url", "opened_at", "is_secure"),
        [
            (None, "http://booksync.test", False),
            ("http://booksync.test", "http://booksync.test", False),
            ("https://booksync.test", "https://booksync.test", True),
            # TLS ends at a proxy, which may remove a path
            ("https://booksync.test/books", "http://booksync.test", True),
            (None, "https://booksync.test", True),
        ],
    )
    def test_cookies_are_for_this_host_and_no_script_and_over_tls_only_for_tls(
        self,
        start: Callable[[], ConsoleBrowser],
        monkeypatch: pytest.MonkeyPatch,
        public_url: str | None,
        opened_at: str,
        is_secure: bool,
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
        if public_url is not None:
            monkeypatch.setenv("PUBLIC_URL", public_url)
        browser = start()
        browser.base_url = opened_at
        written = browser.get("/sign-in").headers.get_list("set-cookie")
        if opened_at.startswith(public_url or opened_at):
            written += browser.sign_in("", CONSOLE_PASSWORD).headers.get_list("set-cookie")
            assert any(SESSION in each for each in written)
        for cookie in written:
            parts = {part.strip().lower() for part in cookie.split(";")}
            assert {"httponly", "samesite=lax", "path=/"} <= parts
            assert ("secure" in parts, cookie.startswith("__Host-")) == (is_secure, is_secure)
            assert not any(part.startswith("domain") for part in parts)

    def test_a_session_outlives_a_restart_and_a_rotation_of_the_keys(
        self, start: Callable[[], ConsoleBrowser], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
        old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        cookies = httpx.Cookies()
        outcomes = []
        for keys in (old, f"{new},{old}", new):
            monkeypatch.setattr(Fernet, "generate_key", lambda keys=keys: keys.encode())
            browser = start()
            browser.cookies = cookies
            if keys == old:
                browser.sign_in("", CONSOLE_PASSWORD)
            outcomes.append(browser.is_signed_in())
            cookies = browser.cookies
        assert outcomes == [True, True, False]

    def test_another_console_password_ends_its_sessions(
        self, start: Callable[[], ConsoleBrowser], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = Fernet.generate_key()
        monkeypatch.setattr(Fernet, "generate_key", lambda: key)
        monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
        first = start()
        first.sign_in("", CONSOLE_PASSWORD)
        monkeypatch.setenv("CONSOLE_PASSWORD", "another password")
        second = start()
        second.cookies = first.cookies
        assert not second.is_signed_in()
