"""Promises of workers/web: its console."""

import base64
from collections.abc import Callable

import psycopg
import pytest

from tests.integration.web.web_process import Ask, connect, nowhere

SHORT_PASSWORD = (
    "The console is closed, because CONSOLE_PASSWORD has fewer than 12 characters. "
    "Set a longer one: openssl rand -hex 16"
)


class TestConsole:
    PASSWORD = "correct horse"

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", self.PASSWORD)
        monkeypatch.setattr("workers.web.console.password_check.DELAY_SECONDS", 0)

    def authorization(self, password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}

    def test_without_a_password_the_console_is_off(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        answer = process(database_url, redis_url)("/", **self.authorization(""))
        assert (answer.status_code, answer.json()) == (
            404,
            {"detail": "The console is off: set CONSOLE_PASSWORD to open it."},
        )

    @pytest.mark.parametrize("password", ["x", "elevenchars", "elevenchars  ", "ä" * 11])
    def test_with_a_short_password_the_console_is_closed_and_says_why(
        self,
        process: Callable[[str, str], Ask],
        database_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        password: str,
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", password)
        answer = process(database_url, redis_url)("/", **self.authorization(password))
        assert (answer.status_code, answer.json()) == (403, {"detail": SHORT_PASSWORD})
        assert SHORT_PASSWORD in capsys.readouterr().err

    def test_with_a_short_password_the_other_pages_work(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONSOLE_PASSWORD", "short")
        ask = process(database_url, redis_url)
        assert ask("/readyz").json()["database"] == "ok"
        assert ask("/metrics").status_code == 200
        assert ask("/webhooks/zoho/x").status_code == 405

    @pytest.mark.usefixtures("opened")
    def test_wrong_passwords_are_counted(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        ask = process(database_url, redis_url)
        for password in ("wrong horse", "", self.PASSWORD):
            ask("/", **self.authorization(password))
        ask("/")
        text = ask("/metrics").text
        assert 'booksync_console_passwords_total{outcome="wrong"} 2.0' in text
        assert 'booksync_console_passwords_total{outcome="right"} 1.0' in text
        assert 'booksync_console_passwords_total{outcome="not_checked"} 0.0' in text

    @pytest.mark.usefixtures("opened")
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Basic"},
            {"Authorization": "Basic %%%"},
            {"Authorization": "Bearer correct horse"},
            {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
            {"Authorization": "Basic " + base64.b64encode(b"me:wrong horse").decode()},
            {"Authorization": "Basic " + base64.b64encode(b"me:").decode()},
        ],
    )
    def test_a_request_without_the_password_gets_401(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str, headers: dict[str, str]
    ) -> None:
        answer = process(database_url, redis_url)("/", **headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    @pytest.mark.usefixtures("opened")
    def test_the_console_shows_the_state_and_no_personal_data(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        answer = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 200
        for shown in (
            "10234695",
            "succeeded",
            "contact <code>5001</code>",
            "The scheduler has never ticked",
            "0 of 100",
        ):
            assert shown in answer.text
        assert not any(word in answer.text for word in ("Ada", "ada@", "+44", "secret-"))
        assert "&lt;b&gt;refused" in answer.text
        assert "<b>" not in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_page_runs_no_script_and_is_not_cached(
        self, process: Callable[[str, str], Ask], database_url: str, redis_url: str
    ) -> None:
        answer = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD))
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert f'nonce="{policy.split("nonce-")[1].split(chr(39))[0]}"' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "No connection exists yet" in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_console_reports_an_unreachable_redis(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str
    ) -> None:
        connect(database)
        answer = process(database_url, nowhere("redis"))("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 200
        assert "Redis does not respond" in answer.text

    @pytest.mark.usefixtures("opened")
    def test_the_console_is_503_without_postgres(self, process: Callable[[str, str], Ask], redis_url: str) -> None:
        answer = process(nowhere("postgresql"), redis_url)("/", **self.authorization(self.PASSWORD))
        assert answer.status_code == 503

    @pytest.mark.usefixtures("opened")
    def test_the_console_shows_names_and_states(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        database.execute(
            "UPDATE booksync.zoho_connections SET organization_name = 'Coastal <i>Fabrics</i>', status = 'paused',"
            " paused_at = now(), paused_reason = 'year-end <b>audit', next_sync_at = now(), is_handover_resting = true"
        )
        page = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD)).text
        for shown in (
            "Coastal &lt;i&gt;Fabrics&lt;/i&gt;",
            "year-end &lt;b&gt;audit",
            "It is paused. Next: booksync resume",
            "no next sync while the connection is paused",
            "Nothing is handed over during the pause",
        ):
            assert shown in page
        assert "next full one" not in page

    @pytest.mark.usefixtures("opened")
    def test_the_console_shows_the_operators_name_first(
        self, process: Callable[[str, str], Ask], database: psycopg.Connection, database_url: str, redis_url: str
    ) -> None:
        connect(database)
        database.execute(
            "UPDATE booksync.zoho_connections SET organization_name = 'Coastal Fabrics', own_name = 'Main books',"
            " status = 'disconnected', refresh_token_encrypted = NULL, webhook_secret_encrypted = NULL"
        )
        page = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD)).text
        assert "Main books" in page
        assert "Coastal Fabrics" not in page
        assert "It is disconnected. Next: booksync connect" in page

    @pytest.mark.usefixtures("opened")
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
            ('" onmouseover="alert(1)', "<bdi>&#34; onmouseover=&#34;alert(1)</bdi>"),
            # a mark that turns the direction of the text after it
            ("\u202eskooB", "<bdi>\u202eskooB</bdi>"),
            ("N" * 500, f"<bdi>{'N' * 500}</bdi>"),
        ],
    )
    def test_a_hostile_name_stays_a_name(
        self,
        process: Callable[[str, str], Ask],
        database: psycopg.Connection,
        database_url: str,
        redis_url: str,
        name: str,
        shown: str,
    ) -> None:
        connect(database)
        database.execute("UPDATE booksync.zoho_connections SET organization_name = %s", [name])
        page = process(database_url, redis_url)("/", **self.authorization(self.PASSWORD)).text
        assert shown in page
        assert "<script" not in page
        assert "<title>booksync</title>" in page
