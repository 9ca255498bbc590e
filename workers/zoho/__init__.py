"""Zoho Books: the only package that parses Zoho's JSON; it returns domain objects (TR-1: the client for contacts).

>>> transport = ZohoTransport(new_http_client(), organization_id="1", hosts=zoho_hosts("eu"), ...)
>>> ZohoContactsClient(transport, zone=ZoneInfo("Europe/Berlin")).get_contact_by_id("460000000026049")
"""

from workers.zoho.contacts import PersonsPage, ZohoContactsClient
from workers.zoho.data_centers import DATA_CENTERS, ZohoHosts, ZohoUrls, data_center_named, zoho_hosts
from workers.zoho.invoices import ZohoInvoicesClient
from workers.zoho.oauth import AccessToken, Grant, OAuthClient, exchange_grant_code, refresh_access_token
from workers.zoho.organizations import get_organizations
from workers.zoho.ports import Budget, Token, Tokens
from workers.zoho.records import OrganizationFacts, PersonOfContact
from workers.zoho.transport import ZohoTransport
from workers.zoho.wire import new_http_client

__all__ = [
    "DATA_CENTERS",
    "AccessToken",
    "Budget",
    "Grant",
    "OAuthClient",
    "OrganizationFacts",
    "PersonOfContact",
    "PersonsPage",
    "Token",
    "Tokens",
    "ZohoContactsClient",
    "ZohoHosts",
    "ZohoInvoicesClient",
    "ZohoTransport",
    "ZohoUrls",
    "data_center_named",
    "exchange_grant_code",
    "get_organizations",
    "new_http_client",
    "refresh_access_token",
    "zoho_hosts",
]
