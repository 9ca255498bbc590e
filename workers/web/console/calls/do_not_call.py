"""`/calls/do-not-call`: the numbers that are never called. An accountant adds and removes numbers."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.do_not_call import ListedNumber, Place, page, users
from db.session import Session
from domain.activity import Action
from domain.errors import BooksyncError
from domain.reminders.do_not_call import number_in
from domain.users import UserId
from workers.secrets.sealed import Sealed
from workers.secrets.vault import Vault
from workers.services import do_not_call
from workers.web.console.access import AsAccountant, AsViewer, Visitor
from workers.web.console.actions import act
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.calls.frame import call_page, shown_on
from workers.web.console.listing import ROWS, Choice, paged
from workers.web.console.sessions import LONGEST_SECONDS
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter()

_PATH: Final = "calls/do-not-call"
#: The place in the list is encrypted, because it names a number.
_SEALED: Final = Sealed(Place, "place in the do-not-call list", max_age_seconds=LONGEST_SECONDS)


class NoSuchUserError(BooksyncError):
    """No connection belongs to this user. Next: choose one of the listed users."""


@router.get("/calls/do-not-call", response_class=HTMLResponse)
async def listed(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the do-not-call list, the newest numbers first. Parameters: connection (its user's list), after."""
    vault = resources_of(request).vault

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        after = _unsealed(vault, request.query_params.get("after"))
        rows, last = paged(page(db, choice.user_id, after=after, limit=ROWS + 1))
        return {
            "numbers": rows,
            "users": choice.users,
            "first": choice.address(_PATH) if after else None,
            "more": choice.address(_PATH, after=_sealed(vault, last)) if last else None,
        }

    return await run_in_threadpool(call_page, request, visitor, "do_not_call.html", shown)


@router.post("/calls/do-not-call/add")
async def add(request: Request, visitor: AsAccountant) -> Response:
    """Add a number to a user's list."""

    def work() -> str:
        phone = number_in(one(visitor.form, "number"))
        with resources_of(request).engine.begin() as db:
            is_new = do_not_call.add(db, _user(db, visitor), phone, one(visitor.form, "note") or None)
        return f"{phone} is on the list." if is_new else f"{phone} was on the list already."

    return await run_in_threadpool(act, request, visitor, Action.ADD_DO_NOT_CALL, work, back=_PATH, subject="1 number")


@router.post("/calls/do-not-call/remove")
async def remove(request: Request, visitor: AsAccountant) -> Response:
    """Remove a number from a user's list."""

    def work() -> str:
        phone = number_in(one(visitor.form, "number"))
        with resources_of(request).engine.begin() as db:
            was_listed = do_not_call.remove(db, _user(db, visitor), phone)
        return f"{phone} is off the list." if was_listed else f"{phone} was not on the list."

    return await run_in_threadpool(
        act, request, visitor, Action.REMOVE_DO_NOT_CALL, work, back=shown_on(visitor, _PATH), subject="1 number"
    )


def _user(db: Session, visitor: Visitor) -> UserId:
    """Return the user that the form names. A user without a connection is refused.

    Raises:
        NoSuchUserError: no connection belongs to the user.
    """
    named = one(visitor.form, "user_id")
    for user_id in users(db):
        if str(user_id) == named:
            return user_id
    raise NoSuchUserError


def _sealed(vault: Vault, last: ListedNumber) -> str:
    """Return the place after a number, for an address."""
    return _SEALED.seal(vault, Place(last.added_at, str(last.user_id), last.phone))


def _unsealed(vault: Vault, sealed: str | None) -> Place | None:
    """Return the place in the list; None for the beginning.

    Raises:
        NoSuchPageError: the text is not such a place.
    """
    if not sealed:
        return None
    place = _SEALED.unseal(vault, sealed)
    if place is None:
        raise NoSuchPageError
    return place
