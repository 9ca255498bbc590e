"""Secrets that are bound to their row and column: reading them, writing them, and using a copied one."""

import uuid

import pytest

from db import grants, secrets
from db.secrets import place_in
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES, change
from workers.secrets.vault import MisplacedSecretError
from workers.services.connect import Connected, connect_organization

COLUMNS = ("refresh_token_encrypted", "access_token_encrypted", "webhook_secret_encrypted")


def connect(bench: Bench, user_id: uuid.UUID) -> Connected:
    return connect_organization(
        bench.resources,
        user_id=user_id,
        organization_id=bench.zoho.organization_id,
        data_center="us",
        grant_code=bench.zoho.grant_code(),
    )


def rotate(bench: Bench, *, bind: bool | None = None) -> int:
    vault = bench.resources.vault
    return secrets.rotate(bench.resources.engine, lambda stored, place: vault.rotate(stored, place, bind=bind))


def forms(bench: Bench) -> set[bool]:
    """Whether the stored secrets of all connections are bound."""
    stored = bench.rows(f"SELECT {', '.join(COLUMNS)} FROM booksync.zoho_connections")
    stored += bench.rows(f"SELECT {', '.join(COLUMNS[:2])} FROM booksync.grants")
    stored += bench.rows("SELECT ciphertext FROM booksync.grant_hash_key")
    return {bench.resources.vault.is_bound(each) for row in stored for each in row.values()}


def end_access_tokens(bench: Bench) -> None:
    change(bench.resources.engine, WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now()")


def swap(bench: Bench, target: str, source: str, *, of: uuid.UUID) -> None:
    """Copies a ciphertext into the bench's connection, as a person with the database's password can do."""
    change(
        bench.resources.engine,
        f"UPDATE booksync.zoho_connections SET {target} = (SELECT {source} FROM booksync.zoho_connections "
        f"WHERE id = :source)"
        " WHERE id = :id",
        source=of,
        id=bench.connection_id,
    )


def grant_of(bench: Bench, connection_id: uuid.UUID) -> uuid.UUID:
    with bench.resources.engine.connect() as db:
        found = grants.grant_of(db, connection_id)
    assert found is not None
    return found


def test_a_new_installation_writes_secrets_in_the_form_that_older_releases_read(bench: Bench) -> None:
    assert forms(bench) == {False}


def test_a_bound_connection_syncs_and_renews_its_token_in_the_bound_form(bench: Bench) -> None:
    rotate(bench, bind=True)
    end_access_tokens(bench)
    assert bench.sync()["status"] == "succeeded"
    assert forms(bench) == {True}


def test_a_connection_created_after_binding_is_bound(bench: Bench) -> None:
    rotate(bench, bind=True)
    connect(bench, uuid.uuid4())
    assert forms(bench) == {True}


def test_a_reconnected_bound_connection_keeps_its_webhook_secret(bench: Bench) -> None:
    user_id = uuid.uuid4()
    before = connect(bench, user_id)
    rotate(bench, bind=True)
    after = connect(bench, user_id)
    assert (after.connection_id, after.webhook_secret) == (before.connection_id, before.webhook_secret)
    assert forms(bench) == {True}


@pytest.mark.slow
def test_binding_can_be_undone_before_a_return_to_an_older_release(bench: Bench) -> None:
    rotate(bench, bind=True)
    assert rotate(bench, bind=False) == 1
    assert forms(bench) == {False}
    assert bench.sync()["status"] == "succeeded"


def test_rotation_includes_the_canary_and_the_previous_webhook_secret(bench: Bench) -> None:
    vault, engine = bench.resources.vault, bench.resources.engine
    previous = vault.encrypt("earlier", place_in("webhook_secret_previous_encrypted", bench.connection_id))
    change(engine, "UPDATE booksync.zoho_connections SET webhook_secret_previous_encrypted = :secret", secret=previous)
    rotate(bench, bind=True)
    (canary,) = bench.rows("SELECT ciphertext FROM booksync.key_canary")
    (stored,) = bench.rows("SELECT webhook_secret_previous_encrypted AS secret FROM booksync.zoho_connections")
    assert vault.is_bound(canary["ciphertext"])
    assert vault.is_bound(stored["secret"])
    assert vault.decrypt(canary["ciphertext"], secrets.CANARY) == "booksync"


@pytest.mark.parametrize("target", ["refresh_token_encrypted", "access_token_encrypted"])
@pytest.mark.parametrize("source", COLUMNS[:2])
def test_a_token_copied_from_another_grant_parks_the_connection_and_is_named(
    bench: Bench, target: str, source: str
) -> None:
    other = connect(bench, uuid.uuid4())
    rotate(bench, bind=True)
    if target == "refresh_token_encrypted":
        end_access_tokens(bench)
    mine, foreign = grant_of(bench, bench.connection_id), grant_of(bench, other.connection_id)
    change(
        bench.resources.engine,
        f"UPDATE booksync.grants SET {target} = (SELECT {source} FROM booksync.grants WHERE id = :foreign)"
        " WHERE id = :mine",
        mine=mine,
        foreign=foreign,
    )
    bench.zoho.reset_stats()
    run = bench.sync()
    assert run["status"] == "parked"
    assert f"The stored secret {target.removesuffix('_encrypted')}/{mine} was written for" in run["reason"]
    assert bench.zoho.stats().arrivals == []


@pytest.mark.parametrize("source", COLUMNS)
def test_a_secret_copied_from_another_connection_parks_this_one_and_is_named(bench: Bench, source: str) -> None:
    target = "refresh_token_encrypted"
    other = connect(bench, uuid.uuid4())
    rotate(bench, bind=True)
    swap(bench, target, source, of=other.connection_id)
    bench.zoho.reset_stats()
    run = bench.sync()
    assert run["status"] == "parked"
    written_for = place_in(source, other.connection_id)
    found_at = place_in(target, bench.connection_id)
    assert f"The stored secret {found_at} was written for {written_for}" in run["reason"]
    assert bench.zoho.stats().arrivals == []


@pytest.mark.parametrize("source", ["refresh_token_encrypted", "access_token_encrypted"])
def test_a_token_is_never_printed_as_a_webhook_secret(bench: Bench, source: str) -> None:
    user_id = uuid.uuid4()
    linked = connect(bench, user_id)
    rotate(bench, bind=True)
    change(bench.resources.engine, f"UPDATE booksync.zoho_connections SET webhook_secret_encrypted = {source}")
    with pytest.raises(MisplacedSecretError, match=f"webhook_secret/{linked.connection_id}"):
        connect(bench, user_id)


def test_a_rotation_stops_at_a_misplaced_secret(bench: Bench) -> None:
    rotate(bench, bind=True)
    swap(bench, "refresh_token_encrypted", "webhook_secret_encrypted", of=bench.connection_id)
    with pytest.raises(MisplacedSecretError):
        rotate(bench)
