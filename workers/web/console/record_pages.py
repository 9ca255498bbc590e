"""What the console's pages of customers and invoices share: the search, the chosen connection, links into Zoho."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from db import connection_names
from db.customer_stories import Organization
from db.session import Session
from domain.connection_names import Named
from workers.boot.resources import Resources
from workers.services.find_records import find_records
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.frame import console_page, root_of
from workers.web.console.missing import id_in
from workers.web.forms import one
from workers.web.state import resources_of

#: The rows of a page of a list.
ROWS = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """The connections that a list can be about, and the chosen one; None if the visitor has to choose."""

    connections: list[Named]
    connection_id: uuid.UUID | None
    is_unknown: bool = False  #: the address names a connection that does not exist


def chosen(db: Session, request: Request) -> Choice:
    """Return the connection that the address names; without one, the only connection."""
    named = list(connection_names.named(db))
    given = request.query_params.get("connection")
    if not given:
        return Choice(named, named[0].connection_id if len(named) == 1 else None)
    connection_id = id_in(given)
    is_known = any(each.connection_id == connection_id for each in named)
    return Choice(named, connection_id if is_known else None, is_unknown=not is_known)


def search_page(request: Request, visitor: Visitor) -> Response:
    """Return what the text of the search form finds. A single record is opened at once."""
    text = one(visitor.form, "search")
    with postgres_needed(), resources_of(request).engine.connect() as db:
        found = find_records(db, text)
        named = connection_names.named(db)
    if len(found) == 1:
        (address,) = [f"customers/{each.id}" for each in found.customers] + [
            f"invoices/{each.id}" for each in found.invoices
        ]
        return RedirectResponse(f"{root_of(request)}{address}", 303)
    names = {each.connection_id: each.name or each.organization_id for each in named} if len(named) > 1 else {}
    return console_page(request, "console/found.html", visitor, text=text, found=found, names=names)


def zoho_address(
    resources: Resources, home: Organization, address: Callable[[str, str, str], str], record_id: str
) -> str | None:
    """Return the address of a record in Zoho Books; None if the operator has named other servers than Zoho's."""
    if home.has_own_servers or resources.settings.zoho_api_url is not None:
        return None
    return address(home.data_center, home.organization_id, record_id)
