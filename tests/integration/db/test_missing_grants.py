"""Promises of workers/secrets/missing_grants.py: many connections get their grants in batches that hold up no work."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from db.engine import new_engine
from db.secrets import Place, SecretName
from tests.integration.db.former_installation import Installation
from tests.integration.db.look import change, rows
from tests.integration.statements import recorded_statements
from workers.secrets.missing_grants import adopt_all, adopt_some
from workers.secrets.vault import Vault


@pytest.fixture
def installation(engine: Engine) -> Installation:
    return Installation(engine)


def linked(engine: Engine) -> set[uuid.UUID]:
    return {row["id"] for row in rows(engine, "SELECT id FROM booksync.zoho_connections WHERE grant_id IS NOT NULL")}


def make_unreadable(engine: Engine, connection_id: uuid.UUID) -> None:
    change(
        engine,
        "UPDATE booksync.zoho_connections SET refresh_token_encrypted = 'of another key' WHERE id = :id",
        id=connection_id,
    )


class CountingVault(Vault):
    """Counts the decryptions of each kind of secret."""

    def __init__(self, installation: Installation) -> None:
        super().__init__([installation.key])
        self.decrypted: Counter[SecretName] = Counter()

    def decrypt(self, encrypted: str, place: Place) -> str:
        self.decrypted[place.name] += 1
        return super().decrypt(encrypted, place)


def test_the_statements_of_a_batch_do_not_grow_with_its_connections(installation: Installation) -> None:
    counts = []
    for number in (1, 1, 20):  # The first batch makes the key of the hashes too.
        for each in range(number):
            installation.connection(f"token-{number}-{each}")
        with recorded_statements(installation.engine) as sent:
            assert adopt_some(installation.engine, installation.vault)
        counts.append(len(sent))
    assert counts[1] == counts[2] <= 6
    assert len(linked(installation.engine)) == 22


def test_a_batch_decrypts_each_refresh_token_once_and_no_access_token(installation: Installation) -> None:
    for number in range(10):
        installation.connection(f"token-{number % 4}", hours=1)
    vault = CountingVault(installation)

    adopt_some(installation.engine, vault)

    assert vault.decrypted == {SecretName.REFRESH_TOKEN: 10, SecretName.GRANT_HASH_KEY: 1}
    assert len(rows(installation.engine, "SELECT id FROM booksync.grants")) == 4


def test_a_connection_works_before_and_after_its_batch(installation: Installation) -> None:
    connections = [installation.connection("token", access_token="shared", hours=1) for _ in range(3)]

    assert not adopt_some(installation.engine, installation.vault, batch=1)

    assert len(linked(installation.engine)) == 1
    assert [installation.tokens(each).current().value for each in connections] == ["shared"] * 3
    assert installation.statuses == []


def test_a_locked_connection_is_left_for_later_and_holds_up_no_other(installation: Installation) -> None:
    locked, free = installation.connection("token-1"), installation.connection("token-2")
    with installation.engine.begin() as db:
        db.execute(text("SELECT FROM booksync.zoho_connections WHERE id = :id FOR UPDATE"), {"id": locked})
        assert adopt_some(installation.engine, installation.vault)
        assert linked(installation.engine) == {free}
    assert adopt_some(installation.engine, installation.vault)
    assert linked(installation.engine) == {locked, free}


def test_a_batch_does_not_wait_while_a_worker_refreshes_the_token_of_its_grant(installation: Installation) -> None:
    first, second = installation.connection("token"), installation.connection("token")
    grant_id = installation.adopt(first)
    with installation.engine.begin() as db:
        db.execute(text("SELECT FROM booksync.grants WHERE id = :id FOR NO KEY UPDATE"), {"id": grant_id})
        assert adopt_some(installation.engine, installation.vault)
        assert linked(installation.engine) == {first, second}


def test_a_token_that_a_person_has_replaced_meanwhile_is_not_linked_to_the_former_grant(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = installation.connection("token-1")

    class SlowVault(Vault):
        def decrypt(self, encrypted: str, place: Place) -> str:
            if place.name is SecretName.REFRESH_TOKEN:
                installation.former_process_writes(connection_id, refresh_token="token-2", access_token="a", hours=1)
            return super().decrypt(encrypted, place)

    adopt_some(installation.engine, SlowVault([installation.key]))
    assert linked(installation.engine) == set()
    assert installation.adopt(connection_id) == installation.adopt(installation.connection("token-2"))


def test_batches_without_a_readable_token_are_passed_over(installation: Installation) -> None:
    connections = [installation.connection(f"token-{number}") for number in range(8)]
    for unreadable in connections[:6]:
        make_unreadable(installation.engine, unreadable)

    batches = [adopt_some(installation.engine, installation.vault, batch=1) for _ in range(3)]

    assert batches[-1]
    assert linked(installation.engine) == set(connections[6:])


def test_all_connections_get_their_grants_also_the_locked_ones_once_they_are_free(
    installation: Installation, engine: Engine
) -> None:
    connections = {installation.connection(f"token-{number % 5}") for number in range(12)}
    wide = new_engine(engine.url.render_as_string(hide_password=False), application_name="booksync tests", pool_size=9)
    with ThreadPoolExecutor(4) as threads:
        with engine.begin() as db:
            db.execute(text("SELECT FROM booksync.zoho_connections LIMIT 1 FOR UPDATE"))
            running = [threads.submit(adopt_all, wide, installation.vault, batch=3) for _ in range(4)]
        adopted = [each.result() for each in running]
    wide.dispose()

    assert sum(adopted) >= len(connections)
    assert linked(engine) == connections
    assert len(rows(engine, "SELECT id FROM booksync.grants")) == 5
