"""`/customers`: the list by name, the search, and a customer's page with every number and its verdict."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import customer_lists
from db.customer_lists import ListedCustomer
from domain.connection_names import whole_id
from workers.services.explained_customer import explained_customer
from workers.web.console.access import AsViewer, Visitor, postgres_needed
from workers.web.console.addresses import no_such
from workers.web.console.frame import console_page
from workers.web.console.listing import ROWS, after_of, choice_of, paged
from workers.web.console.record_pages import search_page, zoho_address
from workers.web.state import resources_of
from workers.zoho.web_addresses import contact_address

router = APIRouter()


@router.get("/customers", response_class=HTMLResponse)
async def customers(request: Request, visitor: AsViewer) -> Response:
    """Return the customers of the connection that the address names, in the order of their names."""
    return await run_in_threadpool(_customers, request, visitor)


@router.post("/customers", response_class=HTMLResponse)
async def search(request: Request, visitor: AsViewer) -> Response:
    return await run_in_threadpool(search_page, request, visitor)


@router.get("/customers/{customer_id}", response_class=HTMLResponse)
async def customer(request: Request, visitor: AsViewer, customer_id: str) -> Response:
    """Return a customer's page: which number is called and when, and what came of the calls."""
    return await run_in_threadpool(_customer, request, visitor, customer_id)


def _customers(request: Request, visitor: Visitor) -> Response:
    after = after_of(request)
    with postgres_needed(), resources_of(request).engine.connect() as db:
        choice = choice_of(db, request).or_only_one()
        found: Sequence[ListedCustomer] = ()
        if choice.connection_id is not None:
            found = customer_lists.by_name(db, choice.connection_id, after=after, limit=ROWS + 1)
    rows, last = paged(found)
    return console_page(
        request, "console/customers.html", visitor, choice=choice, rows=rows, after=after, has_more=last is not None
    )


def _customer(request: Request, visitor: Visitor, customer_id: str) -> Response:
    resources = resources_of(request)
    known_id = whole_id(customer_id)
    with postgres_needed(), resources.engine.connect() as db:
        explained = known_id and explained_customer(db, known_id, resources.settings.phone_fallback)
    if not explained:
        raise no_such("customer", hint="Search for it by its name, phone number or e-mail address.")
    record = explained.record
    address = zoho_address(resources, record.home, contact_address, record.customer.zoho_customer_id)
    return console_page(request, "console/customer.html", visitor, explained=explained, zoho_address=address)
