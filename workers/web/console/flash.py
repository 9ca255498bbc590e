"""Flash messages: the sentence about an action, which the next page shows once. An encrypted cookie holds it."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from workers.web.console.sessions import cookie_of, delete_cookie, set_cookie
from workers.web.state import resources_of

_COOKIE = "booksync_flash"
_PURPOSE = "console flash message"
_SECONDS = 60

_LONGEST = 1000  #: characters; a browser refuses cookies of more than 4 kB


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence for the operator; `failed` if the action was not done."""

    sentence: str
    failed: bool = False


_FLASH = TypeAdapter(Flash)


def redirect(request: Request, address: str, flash: Flash) -> Response:
    """Lead the browser to a page, which shows the message."""
    response = RedirectResponse(address, 303)
    shown = Flash(flash.sentence[:_LONGEST], flash.failed)
    value = resources_of(request).vault.seal(_FLASH.dump_json(shown).decode(), _PURPOSE)
    set_cookie(request, response, _COOKIE, value)
    return response


def flash_of(request: Request) -> Flash | None:
    """Return the message that the request's cookie holds; None without one, or if it is old."""
    text = resources_of(request).vault.unseal(cookie_of(request, _COOKIE), _PURPOSE, max_age_seconds=_SECONDS)
    if text is None:
        return None
    try:
        return _FLASH.validate_json(text)
    except ValidationError:  # Another release has written the cookie.
        return None


def forget_flash(request: Request, response: Response) -> None:
    """Delete the message, because this response shows it."""
    delete_cookie(request, response, _COOKIE)
