"""The advice of `booksync resume` for a connection that stays parked, and the state that `connect` clears."""

import json
import uuid

import pytest
from typer.testing import CliRunner, Result

from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES, change
from workers.boot import settings
from workers.cli.app import app
from workers.services.connect import connect_organization
from workers.services.resume import resume

NEW_GRANT = "Next: booksync connect with a new grant, for each connection whose grant Zoho refuses."
MEND = "Next: fix the reasons above, and run this command again."


@pytest.fixture
def revoked(bench: Bench) -> Bench:
    """A bench parked because Zoho has revoked its grant."""
    bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    assert bench.sync()["status"] == "parked"
    return bench


def park(bench: Bench) -> None:
    change(bench.resources.engine, "UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = 'refused'")


def resumed(*words: str) -> Result:
    return CliRunner().invoke(app, ["resume", *words])


@pytest.mark.slow
def test_a_revoked_grant_needs_a_new_grant(revoked: Bench) -> None:
    result = resumed(str(revoked.connection_id))
    assert result.exit_code == 1
    assert NEW_GRANT in result.stdout
    assert MEND not in result.stdout


def test_a_user_refused_by_the_organisation_needs_a_new_grant(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, status=401, code=57)
    park(bench)
    (one,) = resume(bench.resources, [bench.connection_id])
    assert one.needs_grant


def test_a_refused_client_needs_no_grant(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    park(bench)
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", "wrong")
    settings.settings.cache_clear()
    result = resumed("--all")
    assert result.exit_code == 1
    assert "ZOHO_CLIENT_SECRET" in result.stdout
    assert MEND in result.stdout
    assert NEW_GRANT not in result.stdout


def test_an_outage_of_zoho_needs_no_grant(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, status=500, code=1000)
    park(bench)
    (one,) = resume(bench.resources, [bench.connection_id])
    assert (one.refusal is not None, one.needs_grant) == (True, False)


@pytest.mark.slow
def test_json_names_each_connection_and_its_reason(revoked: Bench) -> None:
    result = resumed("--all", "--json")
    (found,) = json.loads(result.stdout)["connections"]
    assert (found["connection_id"], found["resumed"]) == (str(revoked.connection_id), False)
    assert "booksync connect" in found["reason"]
    assert NEW_GRANT in result.stderr


def test_reconnecting_ends_the_count_of_failures(bench: Bench) -> None:
    (user,) = bench.rows("SELECT user_id FROM booksync.zoho_connections")
    bench.rows("UPDATE booksync.grants SET oauth_failing_since = now() - interval '2 hours' RETURNING id")
    connect_organization(
        bench.resources,
        user_id=user["user_id"],
        organization_id=bench.zoho.organization_id,
        data_center="com",
        grant_code=bench.zoho.grant_code(),
    )
    assert bench.rows("SELECT oauth_failing_since FROM booksync.grants") == [{"oauth_failing_since": None}]


def test_connecting_another_user_keeps_the_count_of_failures(bench: Bench) -> None:
    bench.rows("UPDATE booksync.grants SET oauth_failing_since = now() - interval '2 hours' RETURNING id")
    connect_organization(
        bench.resources,
        user_id=uuid.uuid4(),
        organization_id=bench.zoho.organization_id,
        data_center="com",
        grant_code=bench.zoho.grant_code(),
    )
    (one,) = bench.rows(
        "SELECT oauth_failing_since FROM booksync.grants "
        "WHERE id = (SELECT grant_id FROM booksync.zoho_connections WHERE id = %(id)s)",
        id=bench.connection_id,
    )
    assert one["oauth_failing_since"] is not None
