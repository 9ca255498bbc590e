"""Grants of existing connections: equal tokens are merged, and processes of the former release lose nothing."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine

from db import grants, missing_grants, secrets, tokens
from db.engine import new_engine
from sandbox.zoho.in_process import REFRESH_TOKEN
from tests.integration.db.former_installation import Installation
from tests.integration.db.look import change, rows
from workers.secrets.missing_grants import adopt_all
from workers.secrets.vault import Vault
from workers.zoho.errors import TokenRevoked

ORGANIZATIONS = 40


@pytest.fixture
def installation(engine: Engine) -> Installation:
    return Installation(engine)


def test_equal_refresh_tokens_are_merged_and_the_newest_access_token_is_kept(installation: Installation) -> None:
    first = installation.connection("token-1", access_token="older", hours=1)
    second = installation.connection("token-1", access_token="newer", hours=2)
    other = installation.connection("token-2", access_token="other", hours=1)

    assert adopt_all(installation.engine, installation.vault) == 3
    assert adopt_all(installation.engine, installation.vault) == 0

    assert installation.adopt(first) == installation.adopt(second) != installation.adopt(other)
    assert [installation.tokens(each).current().value for each in (first, second, other)] == ["newer", "newer", "other"]
    assert installation.statuses == []


def test_connections_that_get_their_grants_at_once_share_one(installation: Installation, engine: Engine) -> None:
    waiting = [installation.connection(hours=1) for _ in range(12)]
    wide = new_engine(engine.url.render_as_string(hide_password=False), application_name="booksync tests", pool_size=12)
    start = Barrier(len(waiting))

    def read(connection_id: uuid.UUID) -> str:
        start.wait()
        return installation.tokens(connection_id, wide).current().value

    with ThreadPoolExecutor(len(waiting)) as pool:
        assert set(pool.map(read, waiting)) == {"access"}
    wide.dispose()
    assert len(rows(engine, "SELECT id FROM booksync.grants")) == 1


def test_a_connection_with_an_unreadable_token_does_not_stop_the_others(
    installation: Installation, engine: Engine
) -> None:
    broken, sound = installation.connection("token-1"), installation.connection("token-2")
    change(
        engine,
        "UPDATE booksync.zoho_connections SET refresh_token_encrypted = 'of another key' WHERE id = :id",
        id=broken,
    )
    assert adopt_all(engine, installation.vault) == 1
    with engine.connect() as db:
        assert grants.grant_of(db, broken) is None
        assert [each.connection_id for each in missing_grants.read(db, limit=2)] == [broken]
        assert grants.grant_of(db, sound) is not None


class TestARollingUpgrade:
    def test_a_refreshed_token_is_copied_for_processes_of_the_former_release(self, installation: Installation) -> None:
        first, second = installation.connection(), installation.connection()
        for each in (first, second):
            installation.adopt(each)
        token = installation.tokens(first).current().value
        assert [installation.former_process_reads(each) for each in (first, second)] == [token, token]

    def test_a_newer_token_of_the_former_release_is_used_without_a_refresh(self, installation: Installation) -> None:
        first, second = installation.connection(), installation.connection()
        for each in (first, second):
            installation.adopt(each)
        installation.former_process_writes(second, access_token="of the former release", hours=1)

        assert installation.tokens(first).current().value == "of the former release"
        assert installation.statuses == []
        with installation.engine.connect() as db:
            stored = tokens.read(db, first)
        assert stored is not None
        assert stored.refreshes > 0, "the refresh of the former release counts"

    def test_an_unreadable_token_of_the_former_release_is_replaced(self, installation: Installation) -> None:
        connection_id = installation.connection()
        installation.adopt(connection_id)
        change(
            installation.engine,
            "UPDATE booksync.zoho_connections "
            "SET access_token_encrypted = 'of another key', access_token_expires_at = now() + interval '1 hour'",
        )
        token = installation.tokens(connection_id).current().value
        assert installation.statuses == [200]
        assert installation.former_process_reads(connection_id) == token

    def test_a_connect_of_the_former_release_gives_the_connection_another_grant(
        self, installation: Installation
    ) -> None:
        first, second = installation.connection("token-1", hours=1), installation.connection("token-1", hours=1)
        shared = installation.adopt(first)
        assert installation.adopt(second) == shared

        installation.former_process_writes(first, refresh_token="token-2", access_token="new", hours=1)

        assert [installation.tokens(each).current().value for each in (first, second)] == ["new", "access"]
        assert installation.adopt(first) != shared == installation.adopt(second)
        installation.former_process_writes(second, refresh_token="token-2", access_token="newest", hours=2)
        assert [installation.tokens(each).current().value for each in (second, first)] == ["newest", "newest"]
        assert len(rows(installation.engine, "SELECT id FROM booksync.grants")) == 1, "the unused grant is deleted"

    def test_a_rotation_of_the_former_release_finds_the_same_grant_again(self, installation: Installation) -> None:
        connection_id = installation.connection(hours=1)
        grant_id = installation.adopt(connection_id)
        installation.former_process_writes(connection_id, refresh_token=REFRESH_TOKEN, access_token="a", hours=1)
        assert installation.adopt(connection_id) == grant_id


def test_the_hash_of_a_token_outlasts_a_rotation_of_the_keys(installation: Installation, engine: Engine) -> None:
    first = installation.connection(hours=1)
    grant_id = installation.adopt(first)
    new = SecretStr(Fernet.generate_key().decode())
    both, installation.vault = Vault([new, installation.key]), Vault([new])

    secrets.rotate(engine, lambda stored, place: both.rotate(stored, place, bind=True))

    assert installation.adopt(first) == grant_id, "the connection keeps its grant"
    assert installation.adopt(installation.connection(hours=1)) == grant_id, "an equal token is still found"


def test_a_revoked_token_is_not_asked_for_again_until_a_person_acts(installation: Installation) -> None:
    first, second = installation.connection("revoked"), installation.connection("revoked")
    for each in (first, second, first):
        with pytest.raises(TokenRevoked):
            installation.tokens(each).current()
    assert installation.statuses == [200]  # Zoho refuses with HTTP 200.
    with installation.engine.begin() as db:
        tokens.forget_revocation(db, second)
    with pytest.raises(TokenRevoked):
        installation.tokens(second).current()
    assert installation.statuses == [200, 200]


@pytest.mark.slow
def test_a_day_of_40_organisations_behind_one_login_has_no_refusal(installation: Installation) -> None:
    behind_one_login = [installation.connection() for _ in range(ORGANIZATIONS)]
    for _ in range(24 * 4):
        for connection_id in behind_one_login:
            installation.tokens(connection_id).current()
        installation.pass_time(minutes=15)

    assert set(installation.statuses) == {200}
    assert len(installation.statuses) <= 24 * 60 // 45
    assert len(rows(installation.engine, "SELECT id FROM booksync.grants")) == 1
