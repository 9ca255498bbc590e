"""`booksync disconnect` ends a connection, revokes its grant and keeps the cached rows; `connect` revives it."""

import pytest

from db import openings
from domain.reminders.opening import Backlog
from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row
from tests.integration.chain.connection_commands import (
    another_user,
    name_of,
    refusal_of,
    result_of,
    run,
    secrets_of,
    status_of,
)
from tests.integration.webhooks.hooks import post
from tests.webhooks import signed_json
from workers.services.connect import Connected, connect_organization
from workers.services.disconnect import Revocation, disconnect
from workers.services.pause import pause


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """A synced bench with pending reminders."""
    bench.open(Backlog.LATEST)
    bench.sync()
    assert pending(bench)
    return bench


def pending(bench: Bench) -> list[Row]:
    return bench.rows("SELECT id FROM reminders WHERE status = 'scheduled'")


def reconnected(bench: Bench, *, refresh_token: str | None = None) -> Connected:
    (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id)
    return connect_organization(
        bench.resources,
        user_id=row["user_id"],
        organization_id=bench.zoho.organization_id,
        data_center="com",
        grant_code=None if refresh_token else bench.zoho.grant_code(),
        refresh_token=refresh_token,
    )


def test_the_secrets_are_deleted_and_the_grant_is_revoked(bench: Bench) -> None:
    stored = secrets_of(bench)["refresh_token_encrypted"]
    result = result_of("disconnect", name_of(bench))
    assert (result["status"], result["revocation"], result["problem"]) == ("disconnected", "revoked", None)
    assert set(secrets_of(bench).values()) == {None}
    bench.rows(
        "UPDATE booksync.zoho_connections SET status = 'active', refresh_token_encrypted = %(token)s RETURNING id",
        token=stored,
    )
    assert bench.sync()["status"] == "parked", "Zoho still accepts the token"


@pytest.mark.slow
def test_the_cached_rows_stay(opened: Bench) -> None:
    before = (len(opened.customers()), len(opened.invoices()))
    disconnect(opened.resources, opened.connection_id)
    assert (len(opened.customers()), len(opened.invoices())) == before


@pytest.mark.slow
def test_pending_reminders_are_cancelled_with_a_reason_of_their_own(opened: Bench) -> None:
    waiting = len(pending(opened))
    ended = disconnect(opened.resources, opened.connection_id)
    assert (ended.cancelled_reminders, pending(opened)) == (waiting, [])
    (found,) = result_of("reminders", "skipped", str(opened.connection_id))["connections"]
    assert (found["scheduled"], set(found["skipped"])) == (
        0,
        {"disconnected"} | ({"customer_missing"} & set(found["skipped"])),
    )


def test_reminders_of_an_older_application_stay(opened: Bench) -> None:
    opened.rows("UPDATE reminders SET closes_at = NULL WHERE status = 'scheduled' RETURNING id")
    waiting = pending(opened)
    disconnect(opened.resources, opened.connection_id)
    assert pending(opened) == waiting


def test_a_webhook_gets_the_response_of_a_stranger(bench: Bench) -> None:
    secret = result_of("webhook", "show", str(bench.connection_id))["webhook_secret"]
    disconnect(bench.resources, bench.connection_id)
    content, headers = signed_json(secret, {"contact": {"contact_id": "1"}})
    known = post(bench.resources, f"/webhooks/zoho/{bench.connection_id}", content, headers)
    stranger = post(bench.resources, "/webhooks/zoho/00000000-0000-4000-8000-000000000001", content, headers)
    assert (known.status_code, known.content) == (stranger.status_code, stranger.content)
    assert bench.rows("SELECT id FROM booksync.webhook_events") == []


@pytest.mark.slow
def test_a_grant_that_another_connection_uses_is_not_revoked(bench: Bench) -> None:
    token = bench.zoho.refresh_token
    other = another_user(bench)
    reconnected(bench, refresh_token=token)
    reconnected(other, refresh_token=token)
    assert disconnect(bench.resources, bench.connection_id).revocation is Revocation.SHARED
    assert other.sync()["status"] == "succeeded"
    assert disconnect(bench.resources, other.connection_id).revocation is Revocation.REVOKED


@pytest.mark.parametrize("fault", [FaultName.TOKEN_ENDPOINT_DOWN, FaultName.TOKEN_ENDPOINT_THROTTLED])
def test_a_failed_revocation_is_reported_and_does_not_stop_the_disconnect(bench: Bench, fault: FaultName) -> None:
    bench.zoho.fault(fault)
    result = run("disconnect", str(bench.connection_id))
    assert (result.exit_code, status_of(bench)) == (0, "disconnected")
    assert "Its grant was not revoked at Zoho" in result.stdout
    assert set(secrets_of(bench).values()) == {None}


def test_an_unreadable_refresh_token_does_not_stop_the_disconnect(bench: Bench) -> None:
    bench.rows("UPDATE booksync.zoho_connections SET refresh_token_encrypted = 'unreadable' RETURNING id")
    ended = disconnect(bench.resources, bench.connection_id)
    assert (ended.revocation, status_of(bench)) == (Revocation.FAILED, "disconnected")


def test_a_second_disconnect_changes_nothing(bench: Bench) -> None:
    disconnect(bench.resources, bench.connection_id)
    before = bench.rows("SELECT * FROM booksync.zoho_connections")
    calls = bench.zoho.stats().count(CallKind.TOKEN)
    again = run("disconnect", str(bench.connection_id))
    assert (again.exit_code, "was already disconnected" in again.stdout) == (0, True)
    (row,) = bench.rows("SELECT * FROM booksync.zoho_connections")
    assert row | {"updated_at": None} == before[0] | {"updated_at": None}
    assert bench.zoho.stats().count(CallKind.TOKEN) == calls


def test_a_disconnect_that_was_killed_before_the_revocation_is_completed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("workers.services.disconnect.revoke_refresh_token", killed)
        with pytest.raises(KeyboardInterrupt):
            disconnect(bench.resources, bench.connection_id)
    assert status_of(bench) == "disconnected"
    assert disconnect(bench.resources, bench.connection_id).revocation is Revocation.REVOKED
    assert set(secrets_of(bench).values()) == {None}


def test_a_run_under_way_ends(bench: Bench) -> None:
    step = bench.start(Mode.FULL)
    bench.take(step)
    following = bench.present_step()
    assert following is not None
    disconnect(bench.resources, bench.connection_id)
    bench.take(following)
    assert bench.present_step() is None
    assert bench.rows("SELECT status FROM booksync.sync_runs") == [{"status": "parked"}]
    assert bench.rows("SELECT * FROM booksync.dead_letters") == []


def test_commands_that_need_the_grant_name_the_way_out(bench: Bench) -> None:
    disconnect(bench.resources, bench.connection_id)
    connection = str(bench.connection_id)
    for words in (("sync",), ("verify",), ("pause",), ("resume",), ("reminders", "open"), ("webhook", "show")):
        refused = refusal_of(*words, connection)
        assert "It is disconnected. Next: booksync connect" in refused, words
    assert "It is disconnected" in run("status", connection).stdout


def test_a_paused_connection_is_disconnected(bench: Bench) -> None:
    pause(bench.resources.engine, bench.connection_id)
    disconnect(bench.resources, bench.connection_id)
    (state,) = result_of("status")["connections"]
    assert (state["status"], state["paused_at"], state["resting"]) == ("disconnected", None, False)


@pytest.mark.slow
def test_connecting_again_revives_the_connection_under_the_same_id(opened: Bench) -> None:
    disconnect(opened.resources, opened.connection_id)
    again = reconnected(opened)
    assert (again.connection_id, status_of(opened)) == (opened.connection_id, "active")
    assert again.webhook_secret
    assert opened.sync()["status"] == "succeeded"
    assert opened.differences() == []
    with opened.resources.engine.connect() as db:
        assert openings.state_of(db, opened.connection_id).handover == "closed"
    (found,) = result_of("reminders", "skipped", str(opened.connection_id))["connections"]
    assert "disconnected" not in found["skipped"]
    assert found["scheduled"] > 0


@pytest.mark.slow
def test_keys_are_rotated_beside_a_disconnected_connection(bench: Bench) -> None:
    other = another_user(bench)
    disconnect(bench.resources, bench.connection_id)
    assert run("rotate-keys", "--bind").exit_code == 0
    assert set(secrets_of(bench).values()) == {None}
    assert other.sync()["status"] == "succeeded"
    assert another_user(bench).sync()["status"] == "succeeded"
