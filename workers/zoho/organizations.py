"""The organisations that a token may read: where a connection's time zone, country and currency come from."""

from collections.abc import Sequence

from workers.zoho.errors import MissingScope, OrganizationScopeMissing, UnusableAnswer
from workers.zoho.records import OrganizationFacts, organization_from_row, sort_out
from workers.zoho.transport import ZohoTransport


def get_organizations(transport: ZohoTransport) -> Sequence[OrganizationFacts]:
    """Every organisation of the token's user, one call; entries without a readable id are left out.

    Raises:
        OrganizationScopeMissing: Zoho refuses the call with code 57.
        BudgetWait, ZohoError: see `ZohoTransport.get`.
        UnusableAnswer: no list of organisations in the answer.
    """
    try:
        answer = transport.get("/organizations", scoped=False)
    except MissingScope as error:
        raise OrganizationScopeMissing(error.call, status=error.status, code=error.code) from None
    rows = answer.body.get("organizations")
    if not isinstance(rows, list):
        raise UnusableAnswer(answer.call, detail="no list of organizations")
    organizations, _unreadable = sort_out(rows, organization_from_row)
    return organizations
