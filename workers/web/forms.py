"""Reads the forms of pages, and refuses those that another site has made a browser send."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request

from domain.errors import BooksyncError
from workers.web.pages import origin_of
from workers.web.request_bodies import read_body, refuse_large
from workers.web.state import resources_of

#: The hidden field with the token that proves that a form is from a page of booksync.
TOKEN_FIELD = "csrf_token"  # noqa: S105  (the name of a field)

_MOST_FIELDS = 10_000

Form = Mapping[str, list[str]]


class ForgedFormError(BooksyncError):
    """The form was not sent from a page that this browser got from booksync in this console session."""


async def read_form(request: Request) -> Form:
    """Read the form of a request.

    Raises:
        HTTPException: see `read_body`; 400, the form has too many fields.
    """
    refuse_large(request)
    body = await read_body(request)
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, "The form has too many fields.") from None


def one(form: Form, name: str) -> str:
    """Return the first value of a field, without the character NUL, which Postgres does not store; "" without one."""
    return form.get(name, [""])[0].replace("\0", "")


def refuse_forged(request: Request, form: Form, token: str) -> None:
    """Check the form's token, and the page's origin if the browser sends it. An empty `token` equals no other.

    Raises:
        ForgedFormError: the form has another token, or is from a page of another origin.
    """
    origin = request.headers.get("origin")
    is_foreign = origin is not None and not _is_own(request, origin)
    if is_foreign or not token or not hmac.compare_digest(one(form, TOKEN_FIELD).encode(), token.encode()):
        raise ForgedFormError


def _is_own(request: Request, origin: str) -> bool:
    """Whether the origin is that of PUBLIC_URL, or has the host and port to which the browser has sent the request."""
    resources = resources_of(request)
    public = resources.settings.public_url
    if public is not None and origin == origin_of(str(public)):
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""
    except ValueError:
        return False
