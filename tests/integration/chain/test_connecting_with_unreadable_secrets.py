"""`connect` with an unreadable webhook secret: it makes no call to Zoho and writes nothing."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from tests.integration.chain.bench import Bench
from tests.integration.db.look import change
from workers.cli.app import app
from workers.secrets.vault import UnreadableSecretError
from workers.services import webhook_rules
from workers.services.connect import Connected, connect_organization
from workers.services.webhook_rules import UnreadableWebhookSecretError
from workers.zoho import OrganizationFacts, get_organizations

USER = uuid.uuid4()


@pytest.fixture
def connected(bench: Bench) -> Bench:
    """The connection of USER, in addition to the bench's own connection, whose secrets prove the keys."""
    return Bench(bench.resources, bench.zoho, connect(bench).connection_id)


def connect(bench: Bench) -> Connected:
    return connect_organization(
        bench.resources,
        user_id=USER,
        organization_id=bench.zoho.organization_id,
        data_center="com",
        grant_code=bench.zoho.grant_code(),
    )


def spoil(bench: Bench, column: str = "webhook_secret_encrypted") -> None:
    """Stores the secret as a process with other keys would have written it."""
    foreign = Fernet(Fernet.generate_key()).encrypt(b"a secret").decode()
    change(
        bench.resources.engine,
        f"UPDATE booksync.zoho_connections SET {column} = :secret, webhook_secret_rotated_at = now() WHERE id = :id",
        secret=foreign,
        id=bench.connection_id,
    )


def stored(bench: Bench) -> Any:
    (row,) = bench.rows("SELECT * FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id)
    return row


def test_no_call_to_zoho_is_made_and_nothing_is_written(connected: Bench) -> None:
    spoil(connected)
    before = stored(connected)
    connected.zoho.reset_stats()
    with pytest.raises(UnreadableWebhookSecretError):
        connect(connected)
    assert connected.zoho.stats().arrivals == []
    assert stored(connected) == before


def test_the_error_names_the_connection_and_both_ways_out(connected: Bench) -> None:
    spoil(connected)
    with pytest.raises(UnreadableWebhookSecretError) as refused:
        connect(connected)
    assert str(refused.value) == (
        f"The webhook secret of connection {connected.connection_id} cannot be read: it was encrypted with a key that "
        "ENCRYPTION_KEYS does not hold. Next: add that key at the end of the list and run booksync rotate-keys, or "
        f"make a new secret: booksync webhook rotate {connected.connection_id}"
    )


def test_connecting_works_after_a_rotation_of_the_secret(connected: Bench) -> None:
    spoil(connected)
    rule = webhook_rules.rotate(connected.resources, connected.connection_id)
    assert connect(connected).webhook_secret == rule.secret


def test_a_secret_that_becomes_unreadable_during_the_call_leaves_the_row_unchanged(
    connected: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = get_organizations
    rows: list[Any] = []

    def ask_and_spoil(*arguments: Any) -> Sequence[OrganizationFacts]:
        found = asked(*arguments)
        spoil(connected)
        rows.append(stored(connected))
        return found

    monkeypatch.setattr("workers.services.zoho_login.get_organizations", ask_and_spoil)
    with pytest.raises(UnreadableSecretError):
        connect(connected)
    assert rows == [stored(connected)]


def test_other_connections_can_still_be_connected(connected: Bench) -> None:
    spoil(connected)
    linked = connect_organization(
        connected.resources,
        user_id=uuid.uuid4(),
        organization_id=connected.zoho.organization_id,
        data_center="com",
        grant_code=connected.zoho.grant_code(),
    )
    assert linked.connection_id != connected.connection_id


def test_webhook_show_reports_the_same_error(connected: Bench) -> None:
    spoil(connected)
    result = CliRunner().invoke(app, ["webhook", "show", str(connected.connection_id)])
    assert isinstance(result.exception, UnreadableWebhookSecretError)


def test_an_unreadable_former_secret_does_not_hide_the_present_one(connected: Bench) -> None:
    spoil(connected, "webhook_secret_previous_encrypted")
    result = CliRunner().invoke(app, ["webhook", "show", str(connected.connection_id), "--json"])
    rule = json.loads(result.stdout)
    assert (len(rule["webhook_secret"]), rule["former_secret"]) == (40, None)
    assert connect(connected).webhook_secret == rule["webhook_secret"]
