"""Console sessions end in time and at once, forms of other sites are refused, and each action needs its role."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
import time_machine
from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import text

from domain.operators import Role
from tests.integration.web.console_browser import CONSOLE_PASSWORD, PASSWORD, SESSION, ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services.operators import disable_operator, save_operator
from workers.web.app import app
from workers.web.console.access import Visitor, require
from workers.web.console.frame import console_page
from workers.web.console.sessions import IDLE_SECONDS, LONGEST_SECONDS


@pytest.fixture
def actions() -> Iterator[list[str]]:
    """The operators that have called `/test/act`, which needs an accountant. `/test/read` needs a viewer."""
    called: list[str] = []
    further = FastAPI()

    @further.get("/test/read", response_class=HTMLResponse)
    async def read(request: Request, visitor: Annotated[Visitor, Depends(require(Role.VIEWER))]) -> HTMLResponse:
        return console_page(
            request, "console/notice.html", visitor, title="A page", sentence="Read it.", hint="", command=""
        )

    @further.post("/test/act")
    async def act(visitor: Annotated[Visitor, Depends(require(Role.ACCOUNTANT))]) -> str:
        called.append(visitor.operator.name)
        return visitor.form["note"][0]

    before = list(app.router.routes)
    app.router.routes.extend(further.router.routes)
    yield called
    app.router.routes[:] = before


class TestSessions:
    def test_each_sign_in_has_a_new_session(self, ana: ConsoleBrowser, runner: asyncio.Runner) -> None:
        planted = ana.cookies[SESSION]
        victim = ConsoleBrowser(runner)
        victim.cookies.set(SESSION, planted, "booksync.test")
        assert victim.sign_in("", CONSOLE_PASSWORD).status_code == 303
        assert victim.cookies.get(SESSION, domain="booksync.test") != planted
        assert "ana, viewer" in ana.get("/").text

    def test_a_copied_cookie_ends_with_the_sign_out(self, ana: ConsoleBrowser, runner: asyncio.Runner) -> None:
        copy = ConsoleBrowser(runner, cookies=httpx.Cookies(ana.cookies))
        other = ConsoleBrowser(runner)
        other.sign_in("ana", PASSWORD)
        assert copy.is_signed_in()
        ana.post("/sign-out", csrf_token=ana.token("/"))
        assert not copy.is_signed_in()
        assert other.is_signed_in()

    def test_a_disabled_operator_is_out_at_once(self, ana: ConsoleBrowser, basics: Basics) -> None:
        assert ana.is_signed_in()
        disable_operator(basics, "ana")
        assert not ana.is_signed_in()
        assert ana.sign_in("ana", PASSWORD).status_code == 401

    @pytest.mark.parametrize(("role", "password"), [(Role.VIEWER, "another password"), (Role.OPERATOR, None)])
    def test_a_new_password_or_role_ends_all_sessions_of_the_operator(
        self, ana: ConsoleBrowser, runner: asyncio.Runner, basics: Basics, role: Role, password: str | None
    ) -> None:
        console, second = ConsoleBrowser(runner), ConsoleBrowser(runner)
        console.sign_in("", CONSOLE_PASSWORD)
        second.sign_in("ana", PASSWORD)
        save_operator(basics, "ana", role, password)
        assert [each.is_signed_in() for each in (ana, second, console)] == [False, False, True]

    def test_an_unused_session_ends_and_one_in_use_does_not(self, ana: ConsoleBrowser) -> None:
        began = time.time()
        for minutes in (20, 40, 60):
            with time_machine.travel(began + minutes * 60, tick=False):
                assert ana.is_signed_in()
        with time_machine.travel(began + 3600 + IDLE_SECONDS, tick=False):
            assert not ana.is_signed_in()

    @pytest.mark.slow
    def test_a_session_in_use_ends_at_its_longest(self, ana: ConsoleBrowser) -> None:
        began = time.time()
        for at in range(1000, LONGEST_SECONDS, 1000):
            with time_machine.travel(began + at, tick=False):
                assert ana.is_signed_in()
        with time_machine.travel(began + LONGEST_SECONDS, tick=False):
            assert not ana.is_signed_in()

    def test_a_page_that_reloads_itself_does_not_keep_the_session(self, ana: ConsoleBrowser) -> None:
        assert 'content="10; url=?reloaded=1"' in ana.get("/").text
        began = time.time()
        with time_machine.travel(began + 1200, tick=False):
            assert ana.get("/?reloaded=1").status_code == 200
        with time_machine.travel(began + IDLE_SECONDS, tick=False):
            assert not ana.is_signed_in()

    @pytest.mark.usefixtures("ana")
    def test_the_use_of_the_console_is_recorded(self, basics: Basics) -> None:
        with basics.engine.connect() as db:
            seen = db.execute(text("SELECT last_seen_at FROM booksync.operators")).scalar_one()
        assert seen is not None

    def test_an_ended_session_is_forgotten_when_it_is_too_old(self, ana: ConsoleBrowser, basics: Basics) -> None:
        with basics.engine.begin() as db:
            db.execute(
                text("INSERT INTO booksync.console_sign_outs VALUES (:id, now() - interval '13 hours')"),
                {"id": uuid.uuid4()},
            )
        ana.post("/sign-out", csrf_token=ana.token("/"))
        with basics.engine.connect() as db:
            assert db.execute(text("SELECT count(*) FROM booksync.console_sign_outs")).scalar_one() == 1


class TestForms:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://attacker.test",
            "http://booksync.test.attacker.test",
            "http://booksync.test:8080",
            # a sandboxed frame
            "null",
            "http://[",
        ],
    )
    def test_a_form_from_another_origin_is_refused(self, ana: ConsoleBrowser, origin: str) -> None:
        response = ana.post("/sign-out", {"Origin": origin}, csrf_token=ana.token("/"))
        assert response.status_code == 403
        assert "Nothing was changed" in response.text
        assert ana.is_signed_in()
        assert ana.sign_in("", CONSOLE_PASSWORD, Origin=origin).status_code == 403

    def test_a_form_from_the_own_origin_is_accepted(self, ana: ConsoleBrowser) -> None:
        token = ana.token("/")
        assert ana.post("/sign-out", {"Origin": "http://booksync.test"}, csrf_token=token).status_code == 303

    def test_a_form_without_a_token_or_with_that_of_another_session_is_refused(
        self, ana: ConsoleBrowser, runner: asyncio.Runner
    ) -> None:
        other = ConsoleBrowser(runner)
        other.sign_in("ana", PASSWORD)
        assert ana.post("/sign-out").status_code == 403
        for token in ("", "ü", other.token("/")):
            assert ana.post("/sign-out", csrf_token=token).status_code == 403
        assert ana.is_signed_in()

    def test_a_sign_in_form_without_its_cookie_is_refused_and_can_be_sent_again(
        self, browser: ConsoleBrowser, runner: asyncio.Runner
    ) -> None:
        foreign = ConsoleBrowser(runner).token("/sign-in")
        for token in ("", foreign):
            refused = browser.post("/sign-in", csrf_token=token, name="", password=CONSOLE_PASSWORD)
            assert refused.status_code == 403
            assert "Sign in again" in refused.text
        again = browser.post("/sign-in", csrf_token=token_in(refused), name="", password=CONSOLE_PASSWORD)
        assert again.status_code == 303

    def test_a_second_tab_does_not_invalidate_the_first(self, browser: ConsoleBrowser) -> None:
        first = browser.token("/sign-in")
        browser.get("/sign-in")
        assert browser.post("/sign-in", csrf_token=first, password=CONSOLE_PASSWORD).status_code == 303


class TestRoles:
    @pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.ACCOUNTANT, 200), (Role.OPERATOR, 200)])
    def test_an_action_needs_its_role(
        self, browser: ConsoleBrowser, basics: Basics, actions: list[str], role: Role, status: int
    ) -> None:
        save_operator(basics, "ana", role, PASSWORD)
        browser.sign_in("ana", PASSWORD)
        response = browser.post("/test/act", csrf_token=browser.token("/test/read"), note="checked")
        assert response.status_code == status
        if status == 403:
            assert "needs the role accountant; you are signed in as viewer" in response.text
        assert actions == ([] if status == 403 else ["ana"])

    def test_an_action_needs_a_session_and_a_token(self, runner: asyncio.Runner, actions: list[str]) -> None:
        stranger = ConsoleBrowser(runner)
        led = stranger.post("/test/act", note="x")
        assert (led.status_code, led.headers["location"]) == (303, "../sign-in")
        assert stranger.post("/test/act", {"Authorization": "Basic OmNvcnJlY3QgaG9yc2U="}, note="x").status_code == 303
        stranger.sign_in("", CONSOLE_PASSWORD)
        assert stranger.post("/test/act", note="x").status_code == 403
        assert actions == []
