"""What the console's pages of customers and invoices share: the search, and links into Zoho."""

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from db.customer_stories import Organization
from workers.boot.resources import Resources
from workers.services.find_records import find_records
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.addresses import uuid_of
from workers.web.console.frame import console_page, root_of
from workers.web.console.listing import choice_between
from workers.web.forms import one
from workers.web.state import resources_of


def search_page(request: Request, visitor: Visitor) -> Response:
    """Return what the text of the search form finds. A single record is opened at once.

    The field `connection` names the only connection that is searched; an empty one means all.

    Raises:
        NoSuchPageError: the field `connection` is not an id.
    """
    text, wanted = one(visitor.form, "search"), uuid_of(one(visitor.form, "connection"))
    with postgres_needed(), resources_of(request).engine.connect() as db:
        found = find_records(db, text, wanted)
        choice = choice_between(db, wanted)
        names = choice.names(
            db, [each.connection_id for each in found.customers] + [each.connection_id for each in found.invoices]
        )
    if len(found) == 1:
        (address,) = [f"customers/{each.id}" for each in found.customers] + [
            f"invoices/{each.id}" for each in found.invoices
        ]
        return RedirectResponse(f"{root_of(request)}{address}", 303)
    return console_page(request, "console/found.html", visitor, text=text, found=found, names=names, choice=choice)


def zoho_address(
    resources: Resources, home: Organization, address: Callable[[str, str, str], str], record_id: str
) -> str | None:
    """Return the address of a record in Zoho Books; None if the operator has named other servers than Zoho's."""
    if home.has_own_servers or resources.settings.zoho_api_url is not None:
        return None
    return address(home.data_center, home.organization_id, record_id)
