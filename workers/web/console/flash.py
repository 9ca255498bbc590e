"""Flash messages: the sentence about an action, which the next page shows once. An encrypted cookie holds it."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from workers.secrets.sealed import Sealed
from workers.web.console.sessions import cookie_of, delete_cookie, set_cookie
from workers.web.state import resources_of

_COOKIE = "booksync_flash"

#: The longest sentence, in characters. Browsers refuse cookies of more than 4 kB, and a character has up to 4 bytes.
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence for the operator; `failed` if the action was not done."""

    sentence: str
    failed: bool = False


_SEALED = Sealed(Flash, "console flash message", max_age_seconds=60)


def redirect(request: Request, address: str, flash: Flash) -> Response:
    """Lead the browser to a page, which shows the message."""
    response = RedirectResponse(address, 303)
    shown = Flash(flash.sentence[:_LONGEST], flash.failed)
    set_cookie(request, response, _COOKIE, _SEALED.seal(resources_of(request).vault, shown))
    return response


def flash_of(request: Request) -> Flash | None:
    """Return the message that the request's cookie holds; None without one, or if it is old."""
    return _SEALED.unseal(resources_of(request).vault, cookie_of(request, _COOKIE))


def forget_flash(request: Request, response: Response) -> None:
    """Delete the message, because this response shows it."""
    delete_cookie(request, response, _COOKIE)
