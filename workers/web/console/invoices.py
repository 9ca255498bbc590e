"""`/invoices`: the search, and an invoice's page, which is `booksync explain` as a page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from domain.operators import Role
from workers.services.explained_invoice import explained_invoice
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.frame import console_page
from workers.web.console.missing import id_in, missing
from workers.web.console.record_pages import search_page, zoho_address
from workers.web.state import resources_of
from workers.zoho.web_addresses import invoice_address

router = APIRouter()

_Viewer = Annotated[Visitor, Depends(require(Role.VIEWER))]


@router.get("/invoices", response_class=HTMLResponse)
async def invoices(request: Request, visitor: _Viewer) -> Response:
    return console_page(request, "console/invoices.html", visitor)


@router.post("/invoices", response_class=HTMLResponse)
async def search(request: Request, visitor: _Viewer) -> Response:
    return await run_in_threadpool(search_page, request, visitor)


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
            story = explained.story
            address = zoho_address(resources, story.home, invoice_address, story.invoice.invoice_id)
            return console_page(request, "console/invoice.html", visitor, explained=explained, zoho_address=address)
    return missing(request, visitor, "invoice", hint="Search for it by its number.")
