"""`/calls/numbers/confirmed`: the numbers that a person has confirmed. An accountant withdraws a confirmation."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import clock, connections, phone_confirmations
from db.connections import UnknownConnectionError
from db.session import Session
from domain.activity import Action
from domain.connection_names import whole_id
from workers.services.confirm_phones import NoConfirmationError, withdraw
from workers.web.console.access import AsAccountant, AsViewer
from workers.web.console.actions import act
from workers.web.console.addresses import query
from workers.web.console.calls.frame import call_page, shown_on
from workers.web.console.calls.numbers import CONFIRMED, lists_of
from workers.web.console.listing import ROWS, Choice, after_of, paged
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter()


@router.get("/calls/numbers/confirmed", response_class=HTMLResponse)
async def confirmed(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the customers with confirmed numbers, the newest first. Parameters: connection, after (a customer)."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        after = after_of(request)
        rows, last = paged(
            phone_confirmations.of_customers(db, connection_id=choice.connection_id, after=after, limit=ROWS + 1)
        )
        return {
            "customers": rows,
            "of": [each.connection_id for each in rows],
            "which": CONFIRMED,
            "lists": lists_of(choice),
            "first": choice.address(CONFIRMED) if after else None,
            "more": choice.address(CONFIRMED, after=str(last.id)) if last else None,
            "now": clock.present(db),
        }

    return await run_in_threadpool(call_page, request, visitor, "confirmed.html", shown)


@router.post("/calls/numbers/withdraw")
async def withdraw_confirmation(request: Request, visitor: AsAccountant) -> Response:
    """Withdraw the confirmations of a customer's phone texts."""
    form = visitor.form
    connection_id = whole_id(one(form, "connection_id"))
    resources = resources_of(request)

    def work() -> str:
        if connection_id is None:
            raise UnknownConnectionError
        with resources.engine.begin() as db:
            connection = connections.connection(db, connection_id)
            change = withdraw(
                db,
                connection,
                one(form, "customer_id"),
                fallback=resources.settings.phone_fallback,
                now=clock.present(db),
            )
        if change is None:
            raise NoConfirmationError
        before, after = change.before.with_reminder, change.after.with_reminder
        return (
            f"{change.customer}: the confirmation is withdrawn, and booksync judges the number again. "
            f"Open invoices with a scheduled reminder: {after:,} (before: {before:,})."
        )

    return await run_in_threadpool(
        act,
        request,
        visitor,
        Action.FORGET_CONFIRMATION,
        work,
        back=shown_on(visitor, f"{CONFIRMED}{query(connection=whole_id(one(form, 'chosen')))}"),
        connection_id=connection_id,
        subject="1 customer",
    )
