"""The contacts client: the list, one by id, the persons (TR-1)."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from domain.contacts import ContactKind
from domain.lists import ListRequest, Sort
from tests.unit.workers.zoho.fakes import (
    SERVER_TIME,
    FakeTokens,
    FakeZoho,
    a_contact_detail,
    a_contact_row,
    a_page,
    a_person_row,
    a_reply,
    a_transport,
)
from workers.zoho.contacts import ZohoContactsClient
from workers.zoho.errors import (
    BadRequest,
    BulkPersonsRefused,
    Throttled,
    TokenRejected,
    TokenRevoked,
    UnusableResponse,
    WrongOrganization,
    ZohoError,
    ZohoUnavailable,
)


def a_client(zoho: FakeZoho, tokens: FakeTokens | None = None) -> ZohoContactsClient:
    return ZohoContactsClient(a_transport(zoho, tokens=tokens), zone=ZoneInfo("Asia/Kolkata"))


def test_page_of_contacts_is_requested_in_the_organisations_time_zone() -> None:
    zoho = FakeZoho(a_page("contacts", a_contact_row(), more=True))

    page = a_client(zoho).get_contacts(
        ListRequest(datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC), Sort.OLDEST_CHANGE_FIRST)
    )

    assert zoho.requests[0].url.path == "/books/v3/contacts"
    assert zoho.query["last_modified_time"] == "2013-10-07T18:24:51+0530"
    assert [contact.contact_id for contact in page.rows] == ["460000000026049"]
    assert (page.has_more, page.server_time) == (True, SERVER_TIME)


def test_time_without_an_offset_is_in_the_organisations_time_zone() -> None:
    told = {"last_modified_time": "2013-10-07 18:24:51"}
    zoho = FakeZoho(a_page("contacts", a_contact_row(**told)), a_reply(code=0, contact=a_contact_detail(**told)))
    client = a_client(zoho)

    listed = client.get_contacts(ListRequest(None, Sort.OLDEST_CHANGE_FIRST)).rows[0]
    asked = client.get_contact_by_id("460000000026049")

    assert asked is not None
    assert listed.modified_at == asked.modified_at == datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC)


def test_vendors_are_requested_and_recognised() -> None:
    zoho = FakeZoho(a_page("contacts", a_contact_row(), a_contact_row(contact_type="vendor")))

    page = a_client(zoho).get_contacts(ListRequest(None, Sort.OLDEST_CHANGE_FIRST))

    assert "contact_type" not in zoho.query
    assert [contact.kind for contact in page.rows] == [ContactKind.CUSTOMER, ContactKind.VENDOR]


def test_a_contact_by_id_has_persons_and_details() -> None:
    zoho = FakeZoho(a_reply(code=0, contact=a_contact_detail()))

    contact = a_client(zoho).get_contact_by_id("460000000026049")

    assert contact is not None
    assert contact.details is not None
    assert contact.persons is not None
    assert zoho.requests[0].url.path == "/books/v3/contacts/460000000026049"


def test_contact_deleted_in_zoho_is_read_as_none() -> None:
    assert a_client(FakeZoho(a_reply(404, code=1002))).get_contact_by_id("460000000026049") is None


def test_a_page_of_all_persons() -> None:
    zoho = FakeZoho(
        a_page("contact_persons", a_person_row(contact_id="1"), a_person_row(contact_id="2"), {}, more=True)
    )

    page = a_client(zoho).get_contact_persons(3)

    assert zoho.requests[0].url.path == "/books/v3/contacts/contactpersons"
    assert (zoho.query["page"], zoho.query["per_page"]) == ("3", "200")
    assert [contact_id for contact_id, _person in page.rows] == ["1", "2"]
    assert (len(page.rejected), page.has_more, page.server_time) == (1, True, SERVER_TIME)


def test_a_page_of_persons_of_another_length() -> None:
    zoho = FakeZoho(a_page("contact_persons", a_person_row(contact_id="1")))

    page = a_client(zoho).get_contact_persons(ListRequest(None, Sort.OLDEST_CHANGE_FIRST, 25, 197))

    assert zoho.query == {"organization_id": zoho.query["organization_id"], "page": "25", "per_page": "197"}
    assert [(row.record_id, row.modified_at) for row in page.rows] == [(page.rows[0].person.person_id, None)]


def test_refused_page_length_is_not_treated_as_a_refused_list() -> None:
    with pytest.raises(BadRequest):
        a_client(FakeZoho(a_reply(400, code=2))).get_contact_persons(
            ListRequest(None, Sort.OLDEST_CHANGE_FIRST, 25, 197)
        )


@pytest.mark.parametrize(
    "reply",
    [
        a_reply(404, code=5),
        # Zoho reads "contactpersons" as a contact's id.
        a_reply(400, code=1002),
        a_reply(400, code=2),
        a_reply(405, code=37),
        # Not in this plan.
        a_reply(403, code=99999),
    ],
)
def test_refused_list_of_persons_makes_the_caller_read_details(reply: httpx.Response) -> None:
    with pytest.raises(BulkPersonsRefused):
        a_client(FakeZoho(reply)).get_contact_persons(1)


#: Responses without a list and without a code of Zoho's refusals.
_ODD_REPLIES = [
    lambda: httpx.Response(404, content=b"<html>"),
    lambda: a_reply(404, code=404),
    # This address belongs to another resource.
    lambda: a_reply(code=0, contact={}),
]


@pytest.mark.parametrize("reply", _ODD_REPLIES)
def test_an_odd_response_refuses_the_list_of_persons_only_if_it_comes_twice(
    reply: Callable[[], httpx.Response],
) -> None:
    with pytest.raises(BulkPersonsRefused):
        a_client(FakeZoho(reply(), reply())).get_contact_persons(1)

    page = a_client(FakeZoho(reply(), a_page("contact_persons", a_person_row(contact_id="1")))).get_contact_persons(1)
    assert len(page.rows) == 1


@pytest.mark.parametrize("reply", _ODD_REPLIES)
def test_an_organisation_that_has_returned_a_page_of_persons_has_the_list(
    reply: Callable[[], httpx.Response],
) -> None:
    with pytest.raises(UnusableResponse):
        a_client(FakeZoho(reply())).get_contact_persons(2)


def test_401_for_the_list_of_persons_is_not_a_missing_scope() -> None:
    tokens = FakeTokens()
    zoho = FakeZoho(a_reply(401, code=57), a_reply(401, code=57))

    with pytest.raises(BulkPersonsRefused) as refused:
        a_client(zoho, tokens).get_contact_persons(1)

    assert (refused.value.status, refused.value.code) == (401, 57)
    # An expired token gives the same error, so a new token was tried.
    assert len(tokens.renewals) == 1


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        # Errors that concern every call.
        ([a_reply(401, code=14), a_reply(401, code=14)], TokenRejected),
        ([a_reply(400, code=6041)], WrongOrganization),
        # Transient errors.
        ([a_reply(429, code=44)], Throttled),
        ([a_reply(503)], ZohoUnavailable),
        ([httpx.ReadTimeout("slow")], ZohoUnavailable),
        ([a_reply(code=0, contact_persons=[])], UnusableResponse),
        ([httpx.Response(403, content=b"<html>")], UnusableResponse),
    ],
)
def test_other_errors_of_the_list_of_persons_are_raised_unchanged(
    replies: list[httpx.Response | Exception], kind: type[ZohoError]
) -> None:
    with pytest.raises(kind) as failed:
        a_client(FakeZoho(*replies)).get_contact_persons(1)

    assert type(failed.value) is kind


def test_revoked_grant_is_not_treated_as_a_refused_list() -> None:
    with pytest.raises(TokenRevoked):
        a_client(FakeZoho(a_reply(401, code=57)), FakeTokens(refusal=TokenRevoked())).get_contact_persons(1)
