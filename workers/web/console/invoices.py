"""`/invoices`: the search, the invoices without a reminder by reason, and `booksync explain` as an invoice's page."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import invoice_lists
from db.invoice_lists import ListedInvoice
from domain.connection_names import whole_id
from domain.reminders.permission import SkipReason
from workers.services.explained_invoice import explained_invoice
from workers.services.reason_file import reason_file
from workers.web.console.access import AsAccountant, AsViewer, Visitor, postgres_needed
from workers.web.console.addresses import NoSuchPageError, no_such, query, uuid_of
from workers.web.console.downloads import csv_file
from workers.web.console.frame import console_page
from workers.web.console.listing import ROWS, after_of, choice_between, choice_of, paged
from workers.web.console.record_pages import search_page, zoho_address
from workers.web.forms import one
from workers.web.state import counts_of, resources_of
from workers.zoho.web_addresses import invoice_address

router = APIRouter()


#: The reasons of the lists with their sentences, by the words of the addresses.
_REASONS = {str(reason): reason.sentence for reason in SkipReason}


@router.get("/invoices", response_class=HTMLResponse)
async def invoices(request: Request, visitor: AsViewer) -> Response:
    """Return how many open invoices have no reminder, by reason, and the invoices of the reason that is chosen."""
    return await run_in_threadpool(_invoices, request, visitor)


@router.post("/invoices", response_class=HTMLResponse)
async def search(request: Request, visitor: AsViewer) -> Response:
    return await run_in_threadpool(search_page, request, visitor)


@router.post("/invoices/download")
async def download(request: Request, visitor: AsAccountant) -> Response:
    """Return the invoices without a reminder for one reason as a CSV file, and record the download."""
    return await run_in_threadpool(_download, request, visitor)


@router.get("/invoices/{invoice_id}", response_class=HTMLResponse)
async def invoice(request: Request, visitor: AsViewer, invoice_id: str) -> Response:
    """Return an invoice's page: why its customer is or is not reminded."""
    return await run_in_threadpool(_invoice, request, visitor, invoice_id)


def _invoices(request: Request, visitor: Visitor) -> Response:
    reason, after = request.query_params.get("reason"), after_of(request)
    if reason and reason not in _REASONS:
        raise NoSuchPageError
    with postgres_needed(), resources_of(request).engine.connect() as db:
        choice = choice_of(db, request).or_only_one()
        counted = None
        found: Sequence[ListedInvoice] = ()
        if choice.connection_id is not None:
            counted = counts_of(request).reasons(choice.connection_id)
            if reason:
                found = invoice_lists.without_reminder(db, choice.connection_id, reason, after=after, limit=ROWS + 1)
    rows, last = paged(found)
    return console_page(
        request,
        "console/invoices.html",
        visitor,
        choice=choice,
        counted=counted,
        sentences=_REASONS,
        reason=reason,
        rows=rows,
        after=after,
        has_more=last is not None,
        here=query(connection=choice.connection_id, reason=reason or "", after=after).removeprefix("?"),
    )


def _download(request: Request, visitor: Visitor) -> Response:
    resources = resources_of(request)
    reason, given = one(visitor.form, "reason"), uuid_of(one(visitor.form, "connection"))
    with postgres_needed():
        with resources.engine.connect() as db:
            choice = choice_between(db, given)
        if choice.connection_id is None or reason not in _REASONS:
            raise NoSuchPageError
        pieces = reason_file(resources, visitor.operator.name, choice.connection_id, SkipReason(reason))
        return csv_file(f"invoices-{reason}", pieces)


def _invoice(request: Request, visitor: Visitor, invoice_id: str) -> Response:
    resources = resources_of(request)
    known_id = whole_id(invoice_id)
    with postgres_needed(), resources.engine.connect() as db:
        explained = known_id and explained_invoice(db, known_id, resources.settings.phone_fallback)
    if not explained:
        raise no_such("invoice", hint="Search for it by its number.")
    story = explained.story
    address = zoho_address(resources, story.home, invoice_address, story.invoice.invoice_id)
    return console_page(request, "console/invoice.html", visitor, explained=explained, zoho_address=address)
