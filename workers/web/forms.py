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

#: The longest value of a field, in characters. No field of booksync's pages needs as many.
_LONGEST_VALUE = 50_000

Form = Mapping[str, list[str]]


class ForgedFormError(BooksyncError):
    """The form was not sent from a page that this browser got from booksync in this console session."""


class UnreadableFormError(BooksyncError):
    """The form is too large, or has characters that cannot be stored. The response has the HTTP status `status`."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


async def read_form(request: Request) -> Form:
    """Read the form of a request. Its values are texts that Postgres can store.

    Raises:
        UnreadableFormError: the form is too large, incomplete, not in UTF-8, or has the character NUL.
        HTTPException: 503, see `read_body`.
    """
    try:
        refuse_large(request)
        body = await read_body(request)
    except HTTPException as error:
        if error.status_code >= 500:
            raise
        raise UnreadableFormError(error.detail, error.status_code) from None
    try:
        form = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise UnreadableFormError("The form has characters that are not valid UTF-8.") from None
    except ValueError:
        raise UnreadableFormError("The form has too many fields.") from None
    texts = [text for name, values in form.items() for text in (name, *values)]
    # Postgres does not store the character NUL.
    if any("\0" in text for text in texts):
        raise UnreadableFormError("The form has the character NUL, which cannot be stored.")
    if max(map(len, texts), default=0) > _LONGEST_VALUE:
        raise UnreadableFormError(f"A field of the form has more than {_LONGEST_VALUE:,} characters.", 413)
    return form


def one(form: Form, name: str) -> str:
    """Return the first value of a field; "" without one."""
    return form.get(name, [""])[0]


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
