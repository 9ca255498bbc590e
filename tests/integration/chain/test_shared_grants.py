"""Several organisations behind one login share one grant: one access token, one refresh, one revocation."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from typer.testing import CliRunner

from db import connections, grants
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.cli.app import app
from workers.secrets.tokens import SharedTokens
from workers.services.connect import Connected, connect_organization
from workers.services.resume import resume
from workers.zoho.errors import WrongOrganization


@pytest.fixture
def organizations(bench: Bench) -> list[str]:
    """The ids of the simulator's two organisations."""
    return bench.zoho.organization_ids()


def connect(bench: Bench, organization_id: str, **source: object) -> Connected:
    return connect_organization(
        bench.resources,
        user_id=uuid.uuid4(),
        organization_id=organization_id,
        **source,  # type: ignore[arg-type]
    )


@pytest.fixture
def pair(bench: Bench, organizations: list[str]) -> tuple[Connected, Connected]:
    """Two connections of one login, to two organisations. The second one uses the grant of the first."""
    first = connect(bench, organizations[0], grant_code=bench.zoho.grant_code(organization_ids=organizations))
    second = connect(bench, organizations[1], same_grant_as=first.connection_id)
    return first, second


def tokens_of(bench: Bench, connection_id: uuid.UUID) -> SharedTokens:
    with bench.resources.engine.connect() as db:
        return bench.resources.tokens(connections.connection(db, connection_id))


def grant_of(bench: Bench, connected: Connected) -> uuid.UUID:
    with bench.resources.engine.connect() as db:
        found = grants.grant_of(db, connected.connection_id)
    assert found is not None
    return found


def states(bench: Bench, *connected: Connected) -> list[str]:
    return [
        bench.rows("SELECT status FROM booksync.zoho_connections WHERE id = %(id)s", id=each.connection_id)[0]["status"]
        for each in connected
    ]


def end_access_tokens(bench: Bench) -> None:
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")


def test_the_grant_of_another_connection_costs_no_code_and_no_token(
    bench: Bench, pair: tuple[Connected, Connected]
) -> None:
    first, second = pair
    assert grant_of(bench, first) == grant_of(bench, second)
    with bench.resources.engine.connect() as db:
        assert grants.is_shared(db, grant_of(bench, first))
    assert tokens_of(bench, first.connection_id).current() == tokens_of(bench, second.connection_id).current()
    assert bench.zoho.stats().token_refreshes == 0


def test_the_grant_of_another_connection_must_see_the_organisation(bench: Bench, organizations: list[str]) -> None:
    with pytest.raises(Exception, match=f"does not belong to organisation {organizations[1]}"):
        connect(bench, organizations[1], same_grant_as=bench.connection_id)


def test_the_same_refresh_token_given_twice_is_one_grant(bench: Bench, organizations: list[str]) -> None:
    first, second = (connect(bench, each, refresh_token="sandbox-refresh-all") for each in organizations)
    assert grant_of(bench, first) == grant_of(bench, second)
    assert bench.zoho.stats().token_refreshes == 1


def test_workers_of_two_connections_refresh_their_grant_once(bench: Bench, pair: tuple[Connected, Connected]) -> None:
    end_access_tokens(bench)
    bench.zoho.reset_stats()
    workers = [tokens_of(bench, each.connection_id) for each in pair] * 10
    start = Barrier(len(workers))

    def ask(tokens: SharedTokens) -> str:
        start.wait()
        return tokens.current().value

    with ThreadPoolExecutor(len(workers)) as pool:
        values = set(pool.map(ask, workers))
    assert len(values) == 1
    assert bench.zoho.stats().token_refreshes == 1


def test_a_revoked_grant_is_asked_for_once_and_parks_all_its_connections(
    bench: Bench, pair: tuple[Connected, Connected]
) -> None:
    end_access_tokens(bench)
    bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    bench.zoho.reset_stats()
    for each in pair:
        assert Bench(bench.resources, bench.zoho, each.connection_id).sync()["status"] == "parked"
    assert bench.zoho.stats().token_refreshes == 1


def test_resume_asks_once_about_a_revoked_grant(bench: Bench, pair: tuple[Connected, Connected]) -> None:
    end_access_tokens(bench)
    bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    for each in pair:
        Bench(bench.resources, bench.zoho, each.connection_id).sync()
    bench.zoho.reset_stats()
    assert all(each.needs_grant for each in resume(bench.resources, [each.connection_id for each in pair]))
    assert bench.zoho.stats().token_refreshes == 1
    bench.zoho.clear_faults()
    assert [each.refusal for each in resume(bench.resources, [each.connection_id for each in pair])] == [None, None]


@pytest.mark.slow
def test_one_new_grant_revives_all_parked_connections_of_the_login(
    bench: Bench, pair: tuple[Connected, Connected], organizations: list[str]
) -> None:
    first, second = pair
    former = grant_of(bench, first)
    bench.rows("UPDATE booksync.zoho_connections SET status = 'parked' WHERE grant_id = %(id)s RETURNING id", id=former)
    (user,) = bench.rows("SELECT user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=first.connection_id)

    again = connect_organization(
        bench.resources,
        user_id=user["user_id"],
        organization_id=organizations[0],
        grant_code=bench.zoho.grant_code(organization_ids=organizations),
    )

    assert again.sharing.revived == [second.connection_id]
    assert states(bench, first, second) == ["active", "active"]
    assert grant_of(bench, first) == grant_of(bench, second) != former
    assert bench.rows("SELECT id FROM booksync.grants WHERE id = %(id)s", id=former) == []
    assert Bench(bench.resources, bench.zoho, second.connection_id).sync()["status"] == "succeeded"


@pytest.mark.slow
def test_siblings_that_are_connected_again_at_once_do_not_block_each_other(
    bench: Bench, pair: tuple[Connected, Connected], organizations: list[str]
) -> None:
    users = [
        bench.rows("SELECT user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=each.connection_id)[0]
        for each in pair
    ]
    codes = [bench.zoho.grant_code(organization_ids=organizations) for _ in range(6)]
    start = Barrier(len(codes))

    def connect_again(number: int) -> None:
        start.wait()
        connect_organization(
            bench.resources,
            user_id=users[number % 2]["user_id"],
            organization_id=organizations[number % 2],
            grant_code=codes[number],
        )

    with ThreadPoolExecutor(len(codes)) as pool:
        list(pool.map(connect_again, range(len(codes))))
    first, second = pair
    assert grant_of(bench, first) == grant_of(bench, second)
    assert states(bench, first, second) == ["active", "active"]


def test_a_new_grant_that_does_not_see_an_organisation_leaves_its_connection_alone(
    bench: Bench, pair: tuple[Connected, Connected], organizations: list[str]
) -> None:
    first, second = pair
    former = grant_of(bench, first)
    bench.rows("UPDATE booksync.zoho_connections SET status = 'parked' WHERE grant_id = %(id)s RETURNING id", id=former)
    (user,) = bench.rows("SELECT user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=first.connection_id)

    again = connect_organization(
        bench.resources, user_id=user["user_id"], organization_id=organizations[0], grant_code=bench.zoho.grant_code()
    )

    assert again.sharing.revived == []
    assert states(bench, first, second) == ["active", "parked"]
    assert grant_of(bench, second) == former


@pytest.mark.slow
def test_a_person_is_warned_from_the_18th_grant_of_a_login_on(bench: Bench) -> None:
    def command() -> tuple[dict[str, object], str]:
        words = ["connect", "--user", str(uuid.uuid4()), "--organization", bench.zoho.organization_id, "--json"]
        result = CliRunner().invoke(app, [*words, "--grant-code", bench.zoho.grant_code(login="boss")])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout), result.stderr

    for number in range(2, 18):
        found, said = command()
        assert (found["grants_of_login"], "the next one revokes" in said) == (number, False)
    found, said = command()
    assert found["grants_of_login"] == 18
    assert "booksync has 18 grants for the organisations of this login" in said
    assert "--same-grant-as" in said


def test_the_command_uses_the_grant_of_another_connection(bench: Bench, organizations: list[str]) -> None:
    first = connect(bench, organizations[0], grant_code=bench.zoho.grant_code(organization_ids=organizations))
    words = ["connect", "--user", str(uuid.uuid4()), "--organization", organizations[1], "--json"]
    words += ["--same-grant-as", str(first.connection_id)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["grants_of_login"] == 2  # That of the bench, and the shared one.

    refused = CliRunner().invoke(app, [*words, "--grant-code", "1000.code"])
    assert refused.exit_code == 2


def test_a_connection_that_left_its_grant_deletes_only_an_unused_one(
    bench: Bench, pair: tuple[Connected, Connected]
) -> None:
    first, second = pair
    grant_id = grant_of(bench, first)
    for each, is_left in ((first, True), (second, False)):
        with bench.resources.engine.begin() as db:
            grants.leave(db, each.connection_id)
        assert bool(bench.rows("SELECT id FROM booksync.grants WHERE id = %(id)s", id=grant_id)) is is_left


def test_wrong_organization_is_a_parking_error_of_one_connection_only(
    bench: Bench, pair: tuple[Connected, Connected]
) -> None:
    first, second = pair
    bench.zoho.fault(FaultName.ANSWER, path="/contacts*", status=400, code=6041, times=1)
    assert Bench(bench.resources, bench.zoho, first.connection_id).sync()["status"] == "parked"
    assert WrongOrganization.__doc__ is not None
    assert states(bench, first, second) == ["parked", "active"]
