"""Promises of db/tokens.py and secrets/tokens.py: many workers share one access token, and one worker refreshes it."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import Engine, text

from db import tokens
from db.engine import new_engine
from db.secrets import Place, SecretName
from tests.integration.db.look import WITHOUT_COPIES, change, row, until_somebody_waits
from tests.integration.db.tokens.accounts import STORED, THREADS, Accounts, let_it_end_in, renewed
from workers.secrets.tokens import SharedTokens
from workers.secrets.vault import UnreadableSecretError, Vault
from workers.zoho import Token
from workers.zoho.errors import TokenRevoked, ZohoUnavailable


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
