"""Calls as other clients make them: trailing slashes, writes, addresses without an id, amounts as numbers."""

import orjson
import pytest

from sandbox.zoho.commands import CreateContact, CreateInvoice
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.stats import CallKind

WRITES = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def zoho() -> InProcessZoho:
    zoho = in_process_zoho()
    contact_id = int(str(zoho.mutate(CreateContact())[0]["contact_id"]))
    zoho.mutate(CreateInvoice(customer_id=contact_id))
    return zoho


def paths(zoho: InProcessZoho) -> list[str]:
    """One path of each kind."""
    contact_id, invoice_id = next(iter(zoho.books.contacts.truth)), next(iter(zoho.books.invoices.truth))
    return [
        "/organizations",
        "/contacts",
        "/contacts/contactpersons",
        f"/contacts/{contact_id}",
        f"/contacts/{contact_id}/contactpersons",
        "/invoices",
        f"/invoices/{invoice_id}",
    ]


def write(zoho: InProcessZoho, method: str, path: str) -> tuple[int, dict[str, object]]:
    query = {"organization_id": zoho.organization_id}
    visit = zoho.simulator.arrive(path, query, f"Zoho-oauthtoken {zoho.access_token}", method)
    answer = zoho.simulator.response(visit)
    zoho.simulator.leave(visit)
    return answer.status, orjson.loads(answer.body)


def test_trailing_slash_changes_no_response(zoho: InProcessZoho) -> None:
    for path in paths(zoho):
        assert zoho.response(f"{path}/").body == zoho.response(path).body
        assert zoho.response(path).status == 200


@pytest.mark.parametrize("method", WRITES)
def test_writes_are_refused_with_zohos_code(zoho: InProcessZoho, method: str) -> None:
    for path in paths(zoho):
        status, body = write(zoho, method, path)
        assert (status, body["code"]) == (405, 37)
        assert body["message"] == f"The HTTP method {method} is not allowed for the requested resource"


def test_a_refused_write_leaves_the_books_as_they_were(zoho: InProcessZoho) -> None:
    before = {path: zoho.response(path).body for path in paths(zoho)}
    for path in paths(zoho):
        for method in WRITES:
            write(zoho, method, path)
    assert {path: zoho.response(path).body for path in paths(zoho)} == before


def test_refused_writes_are_counted_and_use_a_call(zoho: InProcessZoho) -> None:
    zoho.simulator.reset_stats()
    remaining = int(zoho.response("/contacts").headers["X-Rate-Limit-Remaining"])
    write(zoho, "POST", "/contacts")
    write(zoho, "DELETE", "/contacts/1")
    assert int(zoho.response("/contacts").headers["X-Rate-Limit-Remaining"]) == remaining - 3
    assert [each.method for each in zoho.simulator.stats.arrivals] == ["GET", "POST", "DELETE", "GET"]
    counted = zoho.simulator.stats.calls()[zoho.organization_id]
    assert counted == {"contact": {"405": 1}, "contacts": {"200": 2, "405": 1}}


@pytest.mark.parametrize("path", ["/contacts/address", "/contacts/address/"])
def test_list_of_addresses_is_not_a_contact(zoho: InProcessZoho, path: str) -> None:
    zoho.simulator.reset_stats()
    answer = zoho.response(path)
    assert (answer.status, orjson.loads(answer.body)["code"]) == (404, 5)
    assert [each.kind for each in zoho.simulator.stats.arrivals] == [CallKind.UNKNOWN]


def test_an_invoices_adjustment_is_a_number(zoho: InProcessZoho) -> None:
    invoice_id = next(iter(zoho.books.invoices.truth))
    for row in (zoho.get("/invoices")["invoices"][0], zoho.get(f"/invoices/{invoice_id}")["invoice"]):
        assert row["adjustment"] == 0
        assert isinstance(row["adjustment"], float)
