"""Connecting an organisation although some of its responses are errors."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from workers.boot.resources import open_resources
from workers.boot.settings import settings
from workers.services.connect import Connected, connect_organization
from workers.zoho.errors import OrganizationScopeMissing, TokenRejected


def connect(bench: Bench, *, scopes: Sequence[str] | None = None, data_center: str = "com") -> Connected:
    return connect_organization(
        bench.resources,
        user_id=uuid.uuid4(),
        organization_id=bench.zoho.organization_id,
        data_center=data_center,
        grant_code=bench.zoho.grant_code(scopes),
    )


def test_a_grant_without_the_settings_scope_is_rejected_with_the_missing_scope(bench: Bench) -> None:
    with pytest.raises(OrganizationScopeMissing, match=r"ZohoBooks\.settings\.READ is missing.*code 57"):
        connect(bench, scopes=["ZohoBooks.contacts.READ", "ZohoBooks.invoices.READ"])


@pytest.mark.parametrize(("named", "stored"), [("us", "com"), (" COM ", "com")])
def test_a_data_center_is_stored_under_its_name_in_the_table(bench: Bench, named: str, stored: str) -> None:
    linked = connect(bench, data_center=named)
    (row,) = bench.rows("SELECT data_center FROM booksync.zoho_connections WHERE id = %(id)s", id=linked.connection_id)
    assert row["data_center"] == stored


@pytest.mark.slow
def test_a_temporary_refusal_does_not_waste_the_grant_code(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, times=1, status=401, code=57)
    assert connect(bench).connection_id


def test_a_token_that_every_call_refuses_is_not_reported_as_a_missing_scope(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, status=401, code=14)
    with pytest.raises(TokenRejected, match="data centre"):
        connect(bench)


def test_with_public_url_the_webhook_address_is_complete(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect(bench).webhook_url.startswith("/webhooks/zoho/")
    monkeypatch.setenv("PUBLIC_URL", "https://hooks.example.com/")
    settings.cache_clear()
    with open_resources("booksync tests") as resources:
        linked = connect(replace(bench, resources=resources))
    assert linked.webhook_url == f"https://hooks.example.com/webhooks/zoho/{linked.connection_id}"
