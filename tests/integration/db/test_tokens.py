"""Promises of db/tokens.py and secrets/tokens.py: many workers share one access token, and one worker refreshes it."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine, text

from db import tokens
from db.connections import Connection
from db.engine import new_engine
from db.secrets import Place, SecretName
from tests.integration.db.look import WITHOUT_COPIES, change, row, until_somebody_waits
from workers.budget import BudgetWait
from workers.secrets.grants import adopt
from workers.secrets.tokens import RECORD_REFRESHES, SharedTokens
from workers.secrets.vault import UnreadableSecretError, Vault
from workers.zoho import OAuthClient, Token
from workers.zoho.errors import TokenNotRenewed, TokenRevoked, ZohoUnavailable

THREADS = 20

STORED = """
    SELECT refresh_token_encrypted, access_token_encrypted, access_token_expires_at, api_domain FROM booksync.grants
"""


@dataclass
class Accounts:
    """A fake of Zoho's accounts server: a new token for each request, unless another response is set."""

    answers: list[httpx.Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    api_domain: str | None = "https://www.zohoapis.eu"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.asked.append(parse_qs(request.content.decode())["refresh_token"][0])
            if self.answers:
                return self.answers.pop(0)
            token = {"access_token": f"renewed-{len(self.asked)}", "expires_in": 3600, "api_domain": self.api_domain}
            return httpx.Response(200, content=json.dumps(token))


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def vault() -> Vault:
    return Vault([SecretStr(Fernet.generate_key().decode())])


@pytest.fixture
def shared(engine: Engine, connection: Connection, vault: Vault, accounts: Accounts) -> SharedTokens:
    """The connection's tokens; the access token is valid for another hour."""
    change(
        engine,
        """
        UPDATE booksync.zoho_connections
           SET refresh_token_encrypted = :refresh_token, access_token_encrypted = :access_token,
               access_token_expires_at = now() + interval '1 hour'
        """,
        refresh_token=vault.encrypt("refresh-1", Place(SecretName.REFRESH_TOKEN, connection.connection_id)),
        access_token=vault.encrypt("access-1", Place(SecretName.ACCESS_TOKEN, connection.connection_id)),
    )
    with engine.begin() as db:
        adopt(db, vault, connection.connection_id)
    return SharedTokens(
        engine,
        vault,
        httpx.Client(transport=httpx.MockTransport(accounts)),
        OAuthClient("https://accounts.zoho.eu", "1000.CLIENT", "client-secret"),
        connection.connection_id,
    )


def let_it_end_in(engine: Engine, seconds: float) -> None:
    change(
        engine,
        WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() + make_interval(secs => :seconds)",
        seconds=seconds,
    )


def renewed(shared: SharedTokens, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token:
    """The token to try, if there is one."""
    token = shared.renewed(stale, tried_again=tried_again, is_one_record=is_one_record)
    assert token is not None
    return token


class TestCurrent:
    def test_a_valid_token_is_used_as_it_is(self, shared: SharedTokens, accounts: Accounts) -> None:
        assert shared.current() == Token("access-1", "https://www.zohoapis.eu")
        assert accounts.asked == []

    def test_a_valid_token_is_read_without_waiting_for_locks(self, engine: Engine, shared: SharedTokens) -> None:
        with engine.begin() as db:
            tokens.read(db, shared.connection_id, lock=True)
            assert shared.current().value == "access-1"

    @pytest.mark.parametrize("seconds", [-60, 0, 60])
    def test_a_token_that_expires_soon_is_refreshed_and_stored(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts, seconds: float
    ) -> None:
        let_it_end_in(engine, seconds)
        assert shared.current().value == "renewed-1"
        assert shared.current().value == "renewed-1"
        assert accounts.asked == ["refresh-1"]

    def test_a_connection_without_an_access_token_gets_one(self, engine: Engine, shared: SharedTokens) -> None:
        change(
            engine,
            WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_encrypted = NULL, access_token_expires_at = NULL",
        )
        assert shared.current().value == "renewed-1"

    def test_a_refreshed_token_is_stored_encrypted_until_its_end(
        self, engine: Engine, shared: SharedTokens, vault: Vault
    ) -> None:
        let_it_end_in(engine, 0)
        shared.current()
        stored = row(
            engine,
            """
            SELECT access_token_encrypted AS token,
                   extract(epoch FROM access_token_expires_at - now())::float AS seconds_left
              FROM booksync.grants
            """,
        )
        assert "renewed-1" not in stored["token"]
        assert vault.decrypt(stored["token"], Place(SecretName.ACCESS_TOKEN, shared.connection_id)) == "renewed-1"
        assert stored["seconds_left"] == pytest.approx(3600, abs=10)

    @pytest.mark.parametrize(
        ("told", "used"),
        [("https://www.zohoapis.in", "https://www.zohoapis.in"), (None, "https://www.zohoapis.eu")],
    )
    def test_the_domain_to_call_is_the_latest_one_of_zoho(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts, told: str | None, used: str
    ) -> None:
        accounts.api_domain = told
        let_it_end_in(engine, 0)
        assert [shared.current().api_domain for _ in range(2)] == [used, used]

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (httpx.Response(503), ZohoUnavailable),
            (httpx.Response(200, content=b'{"error": "invalid_code"}'), TokenRevoked),
        ],
    )
    def test_a_failed_refresh_leaves_the_tokens_unchanged(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts, answer: httpx.Response, kind: type[Exception]
    ) -> None:
        let_it_end_in(engine, 0)
        before = row(engine, STORED)
        accounts.answers.append(answer)
        with pytest.raises(kind):
            shared.current()
        assert row(engine, STORED) == before
        change(engine, "UPDATE booksync.grants SET revoked_at = NULL")
        assert shared.current().value == "renewed-2"

    def test_a_secret_of_a_lost_key_is_reported(self, engine: Engine, shared: SharedTokens) -> None:
        change(engine, "UPDATE booksync.grants SET access_token_encrypted = 'of another key'")
        with pytest.raises(UnreadableSecretError):
            shared.current()


class TestRenewed:
    def test_a_refused_token_is_refreshed(self, shared: SharedTokens, accounts: Accounts) -> None:
        assert renewed(shared, shared.current(), tried_again=True).value == "renewed-1"
        assert shared.current().value == "renewed-1"
        assert len(accounts.asked) == 1

    def test_a_new_refused_token_is_tried_once_more_first(self, shared: SharedTokens, accounts: Accounts) -> None:
        stale = shared.current()
        assert renewed(shared, stale, tried_again=False) == stale
        assert accounts.asked == []

    def test_an_older_refused_token_is_refreshed_at_once(self, engine: Engine, shared: SharedTokens) -> None:
        let_it_end_in(engine, 3500)
        assert renewed(shared, shared.current(), tried_again=False).value == "renewed-1"

    @pytest.mark.parametrize("is_throttled", [False, True])
    def test_a_valid_token_is_tried_once_more_while_no_other_is_granted(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts, is_throttled: bool
    ) -> None:
        let_it_end_in(engine, 3500)
        stale = shared.current()
        if is_throttled:
            accounts.answers.append(httpx.Response(400, content=b'{"error": "Access Denied"}'))
        else:
            change(engine, "UPDATE booksync.grants SET no_refresh_before = now() + interval '10 minutes'")
        assert renewed(shared, stale, tried_again=False) == stale
        with pytest.raises(TokenNotRenewed) as refused:
            renewed(shared, stale, tried_again=True)
        assert refused.value.seconds == pytest.approx(60 if is_throttled else 600, abs=10)

    def test_a_throttled_endpoint_gets_no_requests_during_its_pause(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts
    ) -> None:
        let_it_end_in(engine, 0)
        accounts.answers.append(
            httpx.Response(400, headers={"Retry-After": "300"}, content=b'{"error": "Access Denied"}')
        )
        for _ in range(3):
            with pytest.raises(BudgetWait) as waiting:
                shared.current()
            assert waiting.value.seconds == pytest.approx(300, abs=10)
        assert len(accounts.asked) == 1

    def test_an_expired_token_waits_for_the_next_refresh(self, engine: Engine, shared: SharedTokens) -> None:
        stale = shared.current()
        let_it_end_in(engine, 0)
        change(engine, "UPDATE booksync.grants SET no_refresh_before = now() + interval '10 minutes'")
        with pytest.raises(BudgetWait):
            renewed(shared, stale, tried_again=False)

    def test_a_late_worker_gets_the_token_that_another_has_refreshed(
        self, shared: SharedTokens, accounts: Accounts
    ) -> None:
        stale = shared.current()
        first, second = (renewed(shared, stale, tried_again=True) for _ in range(2))
        assert first == second
        assert len(accounts.asked) == 1

    def test_a_refreshed_token_may_be_refused_too(self, shared: SharedTokens, accounts: Accounts) -> None:
        first = renewed(shared, shared.current(), tried_again=True)
        assert renewed(shared, first, tried_again=True).value == "renewed-2"
        assert len(accounts.asked) == 2


class TestRefusedRecords:
    """Refusals of single records, with a token that may be valid."""

    def test_a_token_that_was_just_refreshed_is_only_tried_once_more(
        self, engine: Engine, shared: SharedTokens, accounts: Accounts
    ) -> None:
        let_it_end_in(engine, 0)
        stale = shared.current()
        assert shared.renewed(stale, tried_again=False, is_one_record=True) == stale
        assert shared.renewed(stale, tried_again=True, is_one_record=True) is None
        assert len(accounts.asked) == 1

    def test_every_token_is_only_tried_once_more_while_half_of_the_refreshes_are_used(
        self, engine: Engine, shared: SharedTokens
    ) -> None:
        let_it_end_in(engine, 1800)
        used = ", ".join(f"now() - interval '{minutes} minutes'" for minutes in range(9, 9 - RECORD_REFRESHES, -1))
        change(engine, f"UPDATE booksync.grants SET refreshed_at = ARRAY[{used}]")
        stale = shared.current()
        assert shared.renewed(stale, tried_again=True, is_one_record=True) is None
        assert renewed(shared, stale, tried_again=True).value == "renewed-1", "a refused list is blamed on the token"

    def test_an_older_token_is_refreshed_after_a_refused_record(self, engine: Engine, shared: SharedTokens) -> None:
        let_it_end_in(engine, 1800)
        assert renewed(shared, shared.current(), tried_again=False, is_one_record=True).value == "renewed-1"

    def test_the_token_of_a_grant_is_refreshed_whatever_its_age(self, shared: SharedTokens) -> None:
        assert renewed(shared, shared.current(), tried_again=True, is_one_record=True).value == "renewed-1"

    def test_a_token_that_another_worker_has_refreshed_is_tried(self, shared: SharedTokens) -> None:
        stale = shared.current()
        fresh = renewed(shared, stale, tried_again=True)
        assert shared.renewed(stale, tried_again=True, is_one_record=True) == fresh


class TestManyAtOnce:
    @pytest.fixture
    def crowd(self, engine: Engine, shared: SharedTokens) -> SharedTokens:
        """The same tokens, with a database connection for each thread."""
        wide = new_engine(str(engine.url), application_name="booksync tests", pool_size=THREADS)
        return SharedTokens(wide, shared.vault, shared.http, shared.client, shared.connection_id)

    @pytest.mark.parametrize("is_refused", [False, True])
    def test_one_worker_refreshes_while_the_others_wait(
        self, engine: Engine, crowd: SharedTokens, accounts: Accounts, is_refused: bool
    ) -> None:
        let_it_end_in(engine, 3600 if is_refused else 0)
        ask = (lambda: renewed(crowd, Token("access-1"), tried_again=True)) if is_refused else crowd.current
        with ThreadPoolExecutor(THREADS) as threads:
            with engine.begin() as db:
                db.execute(text("SELECT FROM booksync.grants FOR UPDATE"))
                asking = [threads.submit(ask) for _ in range(THREADS)]
                until_somebody_waits(engine, sessions=THREADS)
            got = {future.result().value for future in asking}
        crowd.engine.dispose()
        assert got == {"renewed-1"}
        assert len(accounts.asked) == 1


def test_no_repr_shows_a_token(engine: Engine, shared: SharedTokens) -> None:
    with engine.connect() as db:
        stored = tokens.read(db, shared.connection_id)
    assert stored is not None
    assert stored.access_token is not None
    for secret in (stored.access_token, stored.refresh_token, "access-1", "refresh-1", "client-secret"):
        assert secret not in repr(stored)
        assert secret not in repr(shared)
        assert secret not in repr(shared.current())
