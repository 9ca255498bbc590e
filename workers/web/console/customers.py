"""`/customers`: the list by name, the search, and a customer's page with every number and its verdict."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import customer_lists
from domain.operators import Role
from workers.services.explained_customer import explained_customer
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.frame import console_page
from workers.web.console.missing import id_in, missing
from workers.web.console.record_pages import ROWS, chosen, search_page, zoho_address
from workers.web.state import resources_of
from workers.zoho.web_addresses import contact_address

router = APIRouter()

_Viewer = Annotated[Visitor, Depends(require(Role.VIEWER))]


@router.get("/customers", response_class=HTMLResponse)
async def customers(request: Request, visitor: _Viewer) -> Response:
    """Return the customers of the connection that the address names, in the order of their names."""
    return await run_in_threadpool(_customers, request, visitor)


@router.post("/customers", response_class=HTMLResponse)
async def search(request: Request, visitor: _Viewer) -> Response:
    return await run_in_threadpool(search_page, request, visitor)


@router.get("/customers/{customer_id}", response_class=HTMLResponse)
async def customer(request: Request, visitor: _Viewer, customer_id: str) -> Response:
    """Return a customer's page: which number is called and when, and what came of the calls."""
    return await run_in_threadpool(_customer, request, visitor, customer_id)


def _customers(request: Request, visitor: Visitor) -> Response:
    after = request.query_params.get("after")
    after_id = id_in(after)
    with postgres_needed(), resources_of(request).engine.connect() as db:
        choice = chosen(db, request)
        if choice.is_unknown or (after and after_id is None):
            return missing(request, visitor, "list", hint="Choose a connection on the page Customers.")
        rows = (
            customer_lists.by_name(db, choice.connection_id, after=after_id, limit=ROWS + 1)
            if choice.connection_id
            else []
        )
    return console_page(
        request,
        "console/customers.html",
        visitor,
        choice=choice,
        rows=rows[:ROWS],
        after=after_id,
        has_more=len(rows) > ROWS,
    )


def _customer(request: Request, visitor: Visitor, customer_id: str) -> Response:
    resources = resources_of(request)
    known_id = id_in(customer_id)
    if known_id is not None:
        with postgres_needed(), resources.engine.connect() as db:
            explained = explained_customer(db, known_id, resources.settings.phone_fallback)
        if explained is not None:
            record = explained.record
            address = zoho_address(resources, record.home, contact_address, record.customer.zoho_customer_id)
            return console_page(request, "console/customer.html", visitor, explained=explained, zoho_address=address)
    return missing(request, visitor, "customer", hint="Search for it by its name, phone number or e-mail address.")
