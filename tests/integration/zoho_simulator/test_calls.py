"""Promises of the simulator's process: its calls, control API, limits, and faults on the wire."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sandbox.zoho.commands import PersonFields
from sandbox.zoho.control import SandboxControl, SandboxRefusedError
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.process import running_simulator
from sandbox.zoho.stats import CallKind
from tests.integration.zoho_simulator.client import Client, wait_until


@pytest.fixture(scope="module")
def simulator() -> Iterator[SandboxControl]:
    with running_simulator(contacts=60, invoices=120) as zoho:
        yield zoho


@pytest.fixture
def client(simulator: SandboxControl) -> Iterator[Client]:
    simulator.clear_faults()
    simulator.set_tokens(max_per_window=1000)
    simulator.set_limits(requests_per_minute=1000, concurrency=10, unblock=True)
    client = Client(simulator)
    simulator.reset_stats()
    yield client
    client.http.close()
    simulator.clear_faults()


@pytest.mark.slow
def test_a_grant_code_gives_access_to_data(client: Client) -> None:
    tokens = client.sign_in(grant_type="authorization_code", code=client.zoho.grant_code())
    assert tokens["api_domain"] == client.zoho.url
    client.token = tokens["access_token"]
    response = client.get("/contacts", per_page=5)
    assert len(response.json()["contacts"]) == 5
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert response.headers["Date"].endswith(" GMT")
    assert int(response.headers["X-Rate-Limit-Remaining"]) < 10_000
    assert client.zoho.stats().token_exchanges == 1


@pytest.mark.slow
def test_a_plus_in_a_time_must_be_escaped(client: Client) -> None:
    assert client.get("/contacts", last_modified_time="2024-01-01T00:00:00+0000").status_code == 200
    headers = {"Authorization": f"Zoho-oauthtoken {client.token}"}
    bare = (
        f"/books/v3/contacts?organization_id={client.zoho.organization_id}&last_modified_time=2024-01-01T00:00:00+0000"
    )
    response = client.http.get(bare, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, 2)


def test_a_token_request_may_be_in_the_query(client: Client) -> None:
    query = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "grant_type": "refresh_token",
        "refresh_token": client.zoho.refresh_token,
    }
    assert "access_token" in client.http.post("/oauth/v2/token", params=query).json()


def test_changes_are_in_responses_and_in_the_snapshot(client: Client) -> None:
    zoho = client.zoho
    contact_id = zoho.create_contact([PersonFields(first_name="Ada", mobile="+12125550101")], contact_name="Amber")
    person_id = zoho.create_person(contact_id, first_name="Ben")
    zoho.edit_person(person_id, phone="212-555-0102")
    invoice_id = zoho.create_invoice(contact_id, total="80.00")
    zoho.pay_invoice(invoice_id, amount="30.00")
    detail = client.get(f"/contacts/{contact_id}").json()["contact"]
    assert [person["phone"] for person in detail["contact_persons"]] == ["", "212-555-0102"]
    assert client.get(f"/invoices/{invoice_id}").json()["invoice"]["balance"] == 50
    truth = zoho.snapshot()
    assert next(each for each in truth["contacts"] if each["contact_id"] == contact_id) == detail
    zoho.delete_contact(contact_id, with_invoices=True)
    assert client.get(f"/contacts/{contact_id}").status_code == 404
    assert client.get(f"/invoices/{invoice_id}").status_code == 404


def test_the_facts_of_permission_can_be_set_over_http(client: Client) -> None:
    zoho = client.zoho
    contact_id = zoho.create_contact(contact_name="Amber", state="Texas", zip="78701")
    invoice_id = zoho.create_invoice(contact_id, ach_payment_initiated=True)
    zoho.set_credits(contact_id, "12.50")
    zoho.edit_invoice(invoice_id, payment_reminder_enabled=False, sub_status="cs_in_dispute")
    invoice = client.get(f"/invoices/{invoice_id}").json()["invoice"]
    assert (invoice["payment_reminder_enabled"], invoice["current_sub_status"]) == (False, "cs_in_dispute")
    assert (invoice["ach_payment_initiated"], invoice["billing_address"]["zip"]) == (True, "78701")
    contact = client.get(f"/contacts/{contact_id}").json()["contact"]
    assert contact["unused_credits_receivable_amount"] == 12.5


def test_the_organisation_can_be_renamed_and_moved_over_http(client: Client) -> None:
    before = client.zoho.snapshot()["organization"]
    moved = {"name": "Kept in Pune", "time_zone": "Asia/Kolkata", "country": "India", "currency_code": "INR"}
    client.zoho.edit_organization(**moved)
    listed = client.get("/organizations").json()["organizations"][0]
    assert {key: listed[key] for key in moved} == moved
    client.zoho.edit_organization(**{key: before[key] for key in moved})


def test_bulk_changes_imports_merges_and_events_work_over_http(client: Client) -> None:
    zoho = client.zoho
    imported = zoho.bulk_import(20, invoices_per_contact=1)
    assert (len(imported["contact_ids"]), len(imported["invoice_ids"])) == (20, 20)
    winner, loser = imported["contact_ids"][:2]
    zoho.merge_contacts(winner, loser)
    assert client.get(f"/contacts/{loser}").status_code == 404
    assert len(zoho.crowd(30)) == 30
    assert zoho.drift()["event"] in {"payment", "edited_phone", "new_invoice", "new_contact"}


def test_the_control_api_names_unknown_input(client: Client) -> None:
    with pytest.raises(SandboxRefusedError, match="no contact 1"):
        client.zoho.delete_contact("1")
    refused = client.http.post("/_sandbox/faults", json={"name": "earthquake"})
    assert refused.status_code == 422
    assert "earthquake" in refused.json()["error"]
    stranger = SandboxControl(client.zoho.url, organization_id="60000000001")
    with stranger, pytest.raises(SandboxRefusedError, match="no organisation 60000000001"):
        stranger.drift()


def test_the_hundred_and_first_call_of_a_minute_blocks_the_organisation(client: Client) -> None:
    client.zoho.set_limits(requests_per_minute=100, unblock=True)
    statuses = [client.get("/contacts", per_page=1).status_code for _ in range(102)]
    assert statuses == [200] * 100 + [429] * 2
    assert client.get("/contacts").json()["code"] == 44
    seen = client.zoho.stats()
    assert seen.count(CallKind.CONTACTS, status=429) == 3
    assert seen.worst_window(60) == 103


def test_too_many_concurrent_calls_get_1070_and_the_maximum_is_counted(client: Client) -> None:
    client.zoho.set_limits(concurrency=3, unblock=True)
    client.zoho.fault(FaultName.LATENCY, seconds=0.5)
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda _: client.get("/contacts", per_page=1).json()["code"], range(6)))
    assert sorted(codes) == [0, 0, 0, 1070, 1070, 1070]
    assert client.zoho.stats().max_at_once[client.zoho.organization_id] == 3


def test_a_reset_drops_the_connection(client: Client) -> None:
    client.zoho.fault(FaultName.RESET, times=1)
    with pytest.raises(httpx.TransportError):
        client.get("/contacts")
    assert client.get("/contacts").status_code == 200


def test_a_reset_within_the_body_sends_half_of_it(client: Client) -> None:
    client.zoho.fault(FaultName.RESET, times=1, where="middle")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/contacts")
    assert client.get("/contacts").status_code == 200


def test_a_hang_exceeds_the_clients_timeout_and_frees_its_slot(client: Client) -> None:
    client.zoho.set_limits(concurrency=1, unblock=True)
    client.zoho.fault(FaultName.HANG, times=1, seconds=600)
    client.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/contacts")
    client.http.timeout = httpx.Timeout(10)
    wait_until(lambda: client.get("/contacts").status_code == 200)


def test_a_shifted_clock_appears_in_the_date_header(client: Client) -> None:
    client.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=86_400 * 400)
    year = time.gmtime(time.time() + 86_400 * 400).tm_year
    assert f" {year} " in client.get("/contacts").headers["Date"]
