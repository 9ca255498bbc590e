"""`/invoices`: the search, and an invoice's page, which is `booksync explain` as a page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.explanations import Story
from domain.operators import Role
from workers.boot.resources import Resources
from workers.services.explained_invoice import explained_invoice
from workers.services.find_records import find_records
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.frame import console_page, root_of
from workers.web.console.missing import id_in, missing
from workers.web.forms import one
from workers.web.state import resources_of
from workers.zoho.web_addresses import invoice_address

router = APIRouter()

_Viewer = Annotated[Visitor, Depends(require(Role.VIEWER))]


@router.get("/invoices", response_class=HTMLResponse)
async def invoices(request: Request, visitor: _Viewer) -> Response:
    return console_page(request, "console/invoices.html", visitor)


@router.post("/invoices", response_class=HTMLResponse)
async def search(request: Request, visitor: _Viewer) -> Response:
    """Return what the text of the form finds. A single invoice is opened at once."""
    return await run_in_threadpool(_search, request, visitor)


def _search(request: Request, visitor: Visitor) -> Response:
    text = one(visitor.form, "search")
    with postgres_needed(), resources_of(request).engine.connect() as db:
        found = find_records(db, text)
    if len(found.invoices) == 1:
        return RedirectResponse(f"{root_of(request)}invoices/{found.invoices[0].id}", 303)
    return console_page(request, "console/found.html", visitor, text=text, found=found)


@router.get("/invoices/{invoice_id}", response_class=HTMLResponse)
async def invoice(request: Request, visitor: _Viewer, invoice_id: str) -> Response:
    """Return an invoice's page: why its customer is or is not reminded."""
    return await run_in_threadpool(_invoice, request, visitor, invoice_id)


def _invoice(request: Request, visitor: Visitor, invoice_id: str) -> Response:
    resources = resources_of(request)
    known_id = id_in(invoice_id)
    if known_id is not None:
        with postgres_needed(), resources.engine.connect() as db:
            explained = explained_invoice(db, known_id, resources.settings.phone_fallback)
        if explained is not None:
            address = _address(resources, explained.story)
            return console_page(request, "console/invoice.html", visitor, explained=explained, zoho_address=address)
    return missing(request, visitor, "invoice", hint="Search for it by its number.")


def _address(resources: Resources, story: Story) -> str | None:
    """Return the address of the invoice in Zoho Books; None for servers that the operator has named."""
    home = story.home
    if home.has_own_servers or resources.settings.zoho_api_url is not None:
        return None
    return invoice_address(home.data_center, home.organization_id, story.invoice.invoice_id)
