"""The organisations that a token may read, with the time zone, country and currency of each."""

from collections.abc import Sequence

from workers.zoho.errors import MissingScope, OrganizationScopeMissing, UnusableResponse
from workers.zoho.records import OrganizationFacts, organization_from_row, read_rows
from workers.zoho.transport import ZohoTransport


def get_organizations(transport: ZohoTransport) -> Sequence[OrganizationFacts]:
    """Read every organisation of the token's user, in one call; entries without a readable id are omitted.

    Raises:
        OrganizationScopeMissing: Zoho refuses the call with code 57.
        BudgetWait, ZohoError: see `ZohoTransport.get`.
        UnusableResponse: the response has no list of organisations.
    """
    try:
        response = transport.get("/organizations", scoped=False)
    except MissingScope as error:
        raise OrganizationScopeMissing(error.call, status=error.status, code=error.code) from None
    rows = response.body.get("organizations")
    if not isinstance(rows, list):
        raise UnusableResponse(response.call, detail="no list of organizations")
    organizations, _unreadable = read_rows(rows, organization_from_row)
    return organizations
