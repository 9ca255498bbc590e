"""Ids in the console's addresses, and the page for an address that names no record."""

import uuid

from fastapi import Request
from fastapi.responses import HTMLResponse

from workers.web.console.access import Visitor
from workers.web.console.frame import notice


def id_in(text: str | None) -> uuid.UUID | None:
    """Return the id in a part of an address; None without one, or if it is malformed."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def missing(request: Request, visitor: Visitor, what: str, *, hint: str) -> HTMLResponse:
    """Return the page for an address that names no known record."""
    title = f"No such {what}"
    return notice(request, 404, title, f"The address names no {what} that booksync has.", hint=hint, visitor=visitor)
