"""Promises of db/tokens.py and secrets/tokens.py: what follows when Zoho refuses a token."""

import uuid
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import Engine

from db.secrets import Place, SecretName
from tests.integration.db.look import change
from tests.integration.db.tokens.accounts import Accounts, let_it_end_in, renewed
from workers.budget import BudgetWait
from workers.secrets.tokens import RECORD_REFRESHES, SharedTokens
from workers.secrets.vault import Vault
from workers.zoho import OAuthClient
from workers.zoho.errors import ClientNotSet, TokenNotRenewed


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


class TestWithoutAClient:
    """The web process may have no client, so it cannot refresh a token itself."""

    @pytest.fixture
    def shared(self, shared: SharedTokens) -> SharedTokens:
        return replace(shared, client=OAuthClient("https://accounts.zoho.eu", "", ""))

    def test_a_token_is_used_until_it_expires(self, engine: Engine, shared: SharedTokens, accounts: Accounts) -> None:
        let_it_end_in(engine, 60)
        assert shared.current().value == "access-1"
        let_it_end_in(engine, 0)
        with pytest.raises(ClientNotSet):
            shared.current()
        assert accounts.asked == []

    def test_a_token_that_zoho_refuses_twice_is_not_renewed(self, engine: Engine, shared: SharedTokens) -> None:
        let_it_end_in(engine, 1800)
        stale = shared.current()
        assert renewed(shared, stale, tried_again=False) == stale
        with pytest.raises(ClientNotSet):
            renewed(shared, stale, tried_again=True)

    def test_a_grant_of_a_named_client_is_refreshed(self, engine: Engine, shared: SharedTokens, vault: Vault) -> None:
        place = Place(SecretName.CLIENT_SECRET, uuid.uuid4())
        change(
            engine,
            """
            INSERT INTO booksync.zoho_clients (id, name, data_center, client_id, client_secret_encrypted, updated_at)
            VALUES (:id, 'own', 'all', '1000.OWN', :secret, now())
            """,
            id=place.row_id,
            secret=vault.encrypt("own-secret", place),
        )
        change(engine, "UPDATE booksync.grants SET client = 'own'")
        let_it_end_in(engine, 0)
        assert shared.current().value == "renewed-1"
