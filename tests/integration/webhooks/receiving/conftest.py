"""A connection that accepts webhooks, with its address."""

import uuid
from collections.abc import Iterator

import pytest

from db.secrets import Place, SecretName
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.environment import environment_of_a_process
from tests.integration.webhooks.receiving.stored import SECRET
from workers.boot.resources import Resources, open_resources


@pytest.fixture
def resources(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as opened,
    ):
        yield opened


@pytest.fixture
def connection_id(resources: Resources) -> uuid.UUID:
    connection = a_connection(resources.engine)
    encrypted = resources.vault.encrypt(SECRET, Place(SecretName.WEBHOOK_SECRET, connection.connection_id))
    change(
        resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = :secret", secret=encrypted
    )
    return connection.connection_id


@pytest.fixture
def path(connection_id: uuid.UUID) -> str:
    return f"/webhooks/zoho/{connection_id}"
