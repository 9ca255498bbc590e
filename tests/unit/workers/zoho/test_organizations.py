"""The organisations of a token's user."""

import pytest

from tests.unit.workers.zoho.fakes import FakeBudget, FakeZoho, a_reply, a_transport
from workers.zoho.errors import OrganizationScopeMissing, UnusableResponse
from workers.zoho.organizations import get_organizations


def test_organisations_are_requested_without_an_organisation_id() -> None:
    row = {"organization_id": "10234695", "name": "Zillium", "time_zone": "Asia/Kolkata", "country_code": "IN"}
    zoho, budget = FakeZoho(a_reply(code=0, organizations=[row, {"name": "no id"}])), FakeBudget()

    organizations = get_organizations(a_transport(zoho, budget=budget))

    assert zoho.query == {}
    assert [(one.organization_id, one.time_zone, one.country_code) for one in organizations] == [
        ("10234695", "Asia/Kolkata", "IN")
    ]
    # The call still counts against the organisation's budget.
    assert len(budget.asked) == 1


def test_error_names_the_missing_scope_of_a_grant() -> None:
    with pytest.raises(OrganizationScopeMissing, match=r"the scope ZohoBooks\.settings\.READ is missing"):
        get_organizations(a_transport(FakeZoho(a_reply(401, code=57), a_reply(401, code=57))))


def test_response_without_organisations_is_unusable() -> None:
    with pytest.raises(UnusableResponse):
        get_organizations(a_transport(FakeZoho(a_reply(code=0))))
