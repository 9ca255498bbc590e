"""Full runs read the organisation's own facts and its customers' credits again."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import structlog

from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from workers.services.zoho_login import UnknownTimeZoneError
from workers.zoho import OrganizationFacts, ZohoTransport, get_organizations


def facts(bench: Bench) -> dict[str, Any]:
    (row,) = bench.rows("SELECT organization_name, time_zone, unknown_time_zone FROM booksync.zoho_connections")
    return row


def naming(zone: str) -> Callable[[ZohoTransport], Sequence[OrganizationFacts]]:
    """Returns the real response with another time zone, because the simulator refuses such a name."""
    return lambda transport: [replace(found, time_zone=zone) for found in get_organizations(transport)]


@pytest.mark.slow
def test_a_full_run_reads_the_organisation_once(bench: Bench) -> None:
    bench.sync()
    bench.zoho.edit_organization(name="Renamed", time_zone="Australia/Sydney")
    bench.zoho.reset_stats()
    bench.sync()
    assert bench.zoho.stats().count(CallKind.ORGANIZATIONS) == 0
    bench.sync(Mode.FULL)
    assert bench.zoho.stats().count(CallKind.ORGANIZATIONS) == 1
    assert facts(bench) == {
        "organization_name": "Renamed",
        "time_zone": "Australia/Sydney",
        "unknown_time_zone": None,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Mars/Phobos", "Foo5", ""])
def test_an_unknown_time_zone_is_stored_separately_and_the_known_one_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    known = facts(bench)["time_zone"]
    with monkeypatch.context() as patched:
        patched.setattr("workers.sync.start.get_organizations", naming(name))
        assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert (facts(bench)["time_zone"], facts(bench)["unknown_time_zone"]) == (known, name)
    bench.zoho.edit_organization(time_zone="Europe/Berlin")
    bench.sync(Mode.FULL)
    assert (facts(bench)["time_zone"], facts(bench)["unknown_time_zone"]) == ("Europe/Berlin", None)


def test_an_unknown_country_is_logged_and_the_known_one_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def ruritanian(transport: ZohoTransport) -> Sequence[OrganizationFacts]:
        found = get_organizations(transport)
        return [replace(each, country_code=None, country_unknown="Ruritania") for each in found]

    before = bench.rows("SELECT country_code FROM booksync.zoho_connections")
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr("workers.sync.start.get_organizations", ruritanian)
        assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert [line["country"] for line in logs if line.get("action") == "organization.country_unknown"] == ["Ruritania"]
    assert bench.rows("SELECT country_code FROM booksync.zoho_connections") == before


def test_a_run_succeeds_although_the_organisation_cannot_be_read(bench: Bench) -> None:
    before = facts(bench)
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, status=500, code=1000)
    assert bench.sync(Mode.FULL)["status"] == "succeeded"
    assert facts(bench) == before


def test_connecting_refuses_an_unknown_time_zone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.services.zoho_login.get_organizations", naming("Mars/Phobos"))
    with pytest.raises(UnknownTimeZoneError, match="Mars/Phobos"):
        Bench.connected(bench.resources, bench.zoho, user_id=uuid.uuid4())


@pytest.mark.slow
def test_a_full_run_records_credits_that_changed_without_a_new_stamp(bench: Bench) -> None:
    bench.sync()
    invoice = bench.rows("SELECT * FROM invoices_cache WHERE plan_outcome = 'scheduled' ORDER BY zoho_invoice_id")[0]
    bench.zoho.set_credits(invoice["zoho_customer_id"], "1000000")
    bench.sync(Mode.FULL)
    assert bench.invoices()[invoice["zoho_invoice_id"]]["plan_outcome"] == "covered_by_credit"
    bench.zoho.set_credits(invoice["zoho_customer_id"], "0")
    bench.sync(Mode.FULL)
    assert bench.invoices()[invoice["zoho_invoice_id"]]["plan_outcome"] == "scheduled"
