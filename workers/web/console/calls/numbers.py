"""`/calls/numbers`: the numbers that a person should check. An accountant confirms a number, or has it never called."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import clock, connections, doubtful_numbers
from db.connections import UnknownConnectionError
from db.doubtful_numbers import Doubtful
from db.session import Session
from domain.activity import Action
from domain.confirmations import Wish
from domain.connection_names import whole_id
from domain.reminders.do_not_call import number_in
from workers.services import do_not_call
from workers.services.confirm_phones import Change, confirm
from workers.web.console.access import AsAccountant, AsViewer, Visitor
from workers.web.console.actions import act
from workers.web.console.addresses import NoSuchPageError, query
from workers.web.console.calls.frame import call_page
from workers.web.console.listing import ROWS, Choice, after_of, paged
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter()

_PATH = "calls/numbers"

#: The lists: the parameter `list` of the address, and the heading.
_LISTS = {
    Doubtful.OBJECTION: "Refused or doubtful",
    Doubtful.SHARED: "Shared by many customers",
    Doubtful.ASSUMED: "Read with the organisation's own country",
}

#: The address of the list of confirmed numbers, relative to the console's first page.
CONFIRMED = "calls/numbers/confirmed"


def lists_of(choice: Choice) -> Mapping[str, tuple[str, str]]:
    """Return the name and the address of each list of numbers."""
    doubtful = {str(each): (name, choice.address(_PATH, list=each)) for each, name in _LISTS.items()}
    return doubtful | {CONFIRMED: ("Confirmed", choice.address(CONFIRMED))}


@router.get("/calls/numbers", response_class=HTMLResponse)
async def numbers(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the page of doubtful numbers. Parameters: connection, list (see Doubtful), after (a customer)."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        which = _list_of(request)
        rows, last = paged(
            doubtful_numbers.listed(
                db, which, connection_id=choice.connection_id, after=after_of(request), limit=ROWS + 1
            )
        )
        return {
            "numbers": rows,
            "of": [each.connection_id for each in rows],
            "which": which,
            "lists": lists_of(choice),
            "first": choice.address(_PATH, list=which) if after_of(request) else None,
            "more": choice.address(_PATH, list=which, after=str(last.id)) if last else None,
        }

    return await run_in_threadpool(call_page, request, visitor, "numbers.html", shown)


@router.post("/calls/numbers/confirm")
async def confirm_number(request: Request, visitor: AsAccountant) -> Response:
    """Confirm the number of a customer. The form has what the accountant has seen: the text and how it was read."""
    form = visitor.form
    connection_id = whole_id(one(form, "connection_id"))
    resources = resources_of(request)
    wish = Wish(
        one(form, "customer_id"),
        note=one(form, "note"),
        answer=one(form, "number").strip() or "yes",
        phone_text=one(form, "phone_text"),
        read_as=one(form, "read_as"),
    )

    def work() -> str:
        if connection_id is None:
            raise UnknownConnectionError
        with resources.engine.begin() as db:
            connection = connections.connection(db, connection_id)
            (change,) = confirm(
                db, connection, [wish], fallback=resources.settings.phone_fallback, now=clock.present(db)
            )
        return _done(change)

    return await run_in_threadpool(
        act,
        request,
        visitor,
        Action.CONFIRM_NUMBER,
        work,
        back=_back(visitor),
        connection_id=connection_id,
        subject="1 number",
    )


@router.post("/calls/numbers/refuse")
async def refuse_number(request: Request, visitor: AsAccountant) -> Response:
    """Put the number of a customer on the do-not-call list of the connection's user."""
    form = visitor.form
    connection_id = whole_id(one(form, "connection_id"))

    def work() -> str:
        if connection_id is None:
            raise UnknownConnectionError
        phone = number_in(one(form, "number"))
        with resources_of(request).engine.begin() as db:
            user_id = connections.connection(db, connection_id).user_id
            do_not_call.add(db, user_id, phone, one(form, "note") or None)
        return f"{phone} is on the do-not-call list, and its reminders are cancelled."

    return await run_in_threadpool(
        act,
        request,
        visitor,
        Action.REFUSE_NUMBER,
        work,
        back=_back(visitor),
        connection_id=connection_id,
        subject="1 number",
    )


def _list_of(request: Request) -> Doubtful:
    wanted = request.query_params.get("list") or Doubtful.OBJECTION
    try:
        return Doubtful(wanted)
    except ValueError:
        raise NoSuchPageError from None


def _back(visitor: Visitor) -> str:
    """The address of the list that the form was on, of the same connection if the list was."""
    which = one(visitor.form, "list")
    shown = which if which in set(Doubtful) else ""
    return f"{_PATH}{query(list=shown, connection=whole_id(one(visitor.form, 'chosen')))}"


def _done(change: Change) -> str:
    after = change.after
    invoices = "1 open invoice has" if after.with_reminder == 1 else f"{after.with_reminder:,} open invoices have"
    return f"{change.customer}: {after.phone} is confirmed. {invoices} a scheduled reminder now."
