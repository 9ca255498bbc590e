"""What a disconnect, an erasure and a second connect do to a grant that connections share."""

import uuid

import pytest

from db import connections, disconnections, erasures
from db.transactions import in_transaction
from domain.connection_states import WrongStateError
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import refusal_of, result_of, run, status_of
from workers.secrets.grants import adopt
from workers.secrets.missing_grants import adopt_all
from workers.services.connect import connect_organization
from workers.services.disconnect import Revocation, disconnect
from workers.services.erase import erase
from workers.services.pause import pause


@pytest.fixture
def pair(bench: Bench) -> tuple[Bench, Bench]:
    """Two connections of one login and one grant, to two organisations."""
    organizations = bench.zoho.organization_ids()
    code = bench.zoho.grant_code(organization_ids=organizations)
    first = connect_organization(
        bench.resources, user_id=uuid.uuid4(), organization_id=organizations[0], grant_code=code
    )
    second = connect_organization(
        bench.resources, user_id=uuid.uuid4(), organization_id=organizations[1], same_grant_as=first.connection_id
    )
    return (
        Bench(bench.resources, bench.zoho, first.connection_id),
        Bench(bench.resources, bench.zoho, second.connection_id),
    )


def grant_of(bench: Bench) -> tuple[object, object]:
    """The grant and its fingerprint in the connection's row."""
    (row,) = bench.rows(
        "SELECT grant_id, grant_credentials FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id
    )
    return row["grant_id"], row["grant_credentials"]


def is_left(bench: Bench, grant_id: object) -> bool:
    return bool(bench.rows("SELECT id FROM booksync.grants WHERE id = %(id)s", id=grant_id))


def connected_again(bench: Bench) -> list[uuid.UUID]:
    """Connect with a new grant of the whole login; return the other connections that were revived."""
    (row,) = bench.rows(
        "SELECT user_id, organization_id FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id
    )
    again = connect_organization(
        bench.resources,
        user_id=row["user_id"],
        organization_id=row["organization_id"],
        grant_code=bench.zoho.grant_code(organization_ids=bench.zoho.organization_ids()),
    )
    assert again.connection_id == bench.connection_id
    return list(again.sharing.revived)


def killed_disconnect(bench: Bench) -> None:
    """A disconnect that was killed before it revoked the grant."""
    in_transaction(bench.resources.engine, lambda db: disconnections.stop(db, bench.connection_id))


@pytest.mark.slow
def test_the_last_connection_of_a_grant_revokes_and_deletes_it(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    grant_id, _ = grant_of(first)
    assert disconnect(first.resources, first.connection_id).revocation is Revocation.SHARED
    assert (grant_of(first), is_left(first, grant_id)) == ((None, None), True)
    assert second.sync()["status"] == "succeeded"
    assert disconnect(second.resources, second.connection_id).revocation is Revocation.REVOKED
    assert (grant_of(second), is_left(second, grant_id)) == ((None, None), False)


@pytest.mark.slow
def test_a_connection_of_the_former_release_keeps_the_grant_alive(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    second.rows(
        "UPDATE booksync.zoho_connections SET grant_id = NULL, grant_credentials = NULL WHERE id = %(id)s RETURNING id",
        id=second.connection_id,
    )
    assert disconnect(first.resources, first.connection_id).revocation is Revocation.SHARED
    assert second.sync()["status"] == "succeeded"


def test_a_grant_that_was_not_revoked_is_deleted_nevertheless(bench: Bench) -> None:
    grant_id, _ = grant_of(bench)
    bench.rows("UPDATE booksync.grants SET refresh_token_encrypted = 'unreadable' RETURNING id")
    assert disconnect(bench.resources, bench.connection_id).revocation is Revocation.FAILED
    assert not is_left(bench, grant_id)


def test_a_disconnected_connection_gets_no_grant_and_fails_nothing(bench: Bench) -> None:
    disconnect(bench.resources, bench.connection_id)
    assert adopt_all(bench.resources.engine, bench.resources.vault) == 0
    assert (grant_of(bench), status_of(bench)) == ((None, None), "disconnected")
    with pytest.raises(WrongStateError, match="It is disconnected"), bench.resources.engine.begin() as db:
        adopt(db, bench.resources.vault, bench.connection_id)
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, bench.connection_id)
    with pytest.raises(WrongStateError, match="It is disconnected"):
        bench.resources.tokens(connection).current()


def test_an_erasure_deletes_the_grant_that_no_other_connection_uses(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    grant_id, _ = grant_of(first)
    for each, is_used in ((first, True), (second, False)):
        erase(each.resources, each.connection_id)
        assert is_left(each, grant_id) is is_used


def test_the_end_of_an_erasure_deletes_a_grant_that_is_left(bench: Bench) -> None:
    grant_id, _ = grant_of(bench)
    killed_disconnect(bench)
    with bench.resources.engine.begin() as db:
        assert erasures.begin(db, bench.connection_id)
        erasures.finish(db, bench.connection_id)
    assert not is_left(bench, grant_id)


@pytest.mark.slow
def test_a_connect_after_a_disconnect_revives_the_connection_with_a_grant_of_its_own(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    shared, _ = grant_of(second)
    disconnect(first.resources, first.connection_id)
    assert connected_again(first) == []
    assert status_of(first) == "active"
    assert grant_of(first)[0] not in (None, shared)
    assert grant_of(second)[0] == shared
    assert [each.sync()["status"] for each in pair] == ["succeeded", "succeeded"]


def test_a_new_grant_neither_ends_the_pause_nor_revives_the_disconnected(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    former, _ = grant_of(first)
    first.rows(
        "UPDATE booksync.zoho_connections SET status = 'parked' WHERE id = %(id)s RETURNING id", id=first.connection_id
    )
    pause(second.resources.engine, second.connection_id)
    assert connected_again(first) == []
    assert (status_of(first), status_of(second)) == ("active", "paused")
    assert grant_of(first) != (former, None)
    assert grant_of(second)[0] == grant_of(first)[0] != former

    disconnect(second.resources, second.connection_id)
    assert connected_again(first) == []
    assert (status_of(second), grant_of(second)) == ("disconnected", (None, None))


@pytest.mark.slow
def test_a_connection_whose_disconnect_was_killed_is_not_given_the_new_grant(pair: tuple[Bench, Bench]) -> None:
    first, second = pair
    former, _ = grant_of(second)
    killed_disconnect(second)
    assert connected_again(first) == []
    assert (grant_of(second)[0], is_left(second, former)) == (former, True)
    assert disconnect(second.resources, second.connection_id).revocation is Revocation.REVOKED
    assert not is_left(second, former)
    assert first.sync()["status"] == "succeeded"


def test_a_connect_in_the_middle_of_a_disconnect_keeps_its_new_grant(bench: Bench) -> None:
    killed_disconnect(bench)
    connected_again(bench)
    grant_id, _ = grant_of(bench)
    with bench.resources.engine.begin() as db:
        assert not disconnections.has_grant(db, bench.connection_id)
        disconnections.delete_secrets(db, bench.connection_id)
    assert (grant_of(bench)[0], is_left(bench, grant_id)) == (grant_id, True)
    assert bench.sync()["status"] == "succeeded"


def test_the_grant_of_a_disconnected_connection_cannot_be_shared(bench: Bench) -> None:
    disconnect(bench.resources, bench.connection_id)
    calls = bench.zoho.stats().count(CallKind.TOKEN)
    words = ("connect", "--user", str(uuid.uuid4()), "--organization", bench.zoho.organization_id)
    refused = refusal_of(*words, "--same-grant-as", str(bench.connection_id)[:8])
    assert "It is disconnected. Next: booksync connect" in refused
    assert bench.zoho.stats().count(CallKind.TOKEN) == calls


@pytest.mark.parametrize(
    "option",
    [
        ("--client", "partner"),
        ("--organization", "123"),
        ("--dc", "in"),
        ("--grant-code", "1000.code"),
        ("--refresh-token", "1000.token"),
    ],
)
def test_options_of_a_grant_are_refused_with_a_link_for_a_browser(option: tuple[str, str]) -> None:
    refused = run("connect", "--user", str(uuid.uuid4()), "--browser", *option)
    assert refused.exit_code == 2
    assert "--browser" in refused.output


def test_a_client_is_used_by_no_disconnected_connection(bench: Bench) -> None:
    disconnect(bench.resources, bench.connection_id)
    (default,) = result_of("clients", "list")["clients"]
    assert default["connections"] == 0
