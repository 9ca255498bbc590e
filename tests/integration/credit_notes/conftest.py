"""booksync with credit notes: the registrations that an entity needs, for one test."""

import pytest

from db import cached_tables
from domain import entities
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import resources as plain_resources
from tests.integration.chain.conftest import zoho
from tests.integration.credit_notes.record import CREDIT_NOTE
from tests.integration.credit_notes.table import DDL, TABLE
from tests.integration.credit_notes.upstream import CreditNotesTransport
from tests.integration.credit_notes.zoho import CREDIT_NOTES
from tests.integration.webhooks.hooks import Hooks
from workers.boot.resources import Resources
from workers.zoho import entities as zoho_entities

__all__ = ["plain_resources", "zoho"]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers credit notes until the test ends."""
    monkeypatch.setattr(entities, "_registered", list(entities.entities()))
    monkeypatch.setattr(cached_tables, "_tables", dict(cached_tables._tables))
    monkeypatch.setattr(zoho_entities, "_records", dict(zoho_entities._records))
    entities.register(CREDIT_NOTE)
    cached_tables.register(CREDIT_NOTE, TABLE)
    zoho_entities.register(CREDIT_NOTE, CREDIT_NOTES)


@pytest.fixture
def upstream(plain_resources: Resources, monkeypatch: pytest.MonkeyPatch) -> CreditNotesTransport:
    http = plain_resources.http
    transport = CreditNotesTransport(http._transport)
    monkeypatch.setattr(http, "_transport", transport)
    return transport


@pytest.fixture
def resources(plain_resources: Resources, upstream: CreditNotesTransport, registered: None) -> Resources:
    with plain_resources.engine.begin() as db:
        db.execute(DDL)
    return plain_resources


@pytest.fixture
def bench(resources: Resources, zoho: SandboxControl) -> Bench:
    return Bench.connected(resources, zoho)


@pytest.fixture
def hooks(bench: Bench) -> Hooks:
    return Hooks(bench)
