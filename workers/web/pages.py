"""HTML pages from templates, with a strict Content-Security-Policy."""

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from workers.web.filters import FILTERS


def page(
    template: str,
    *,
    status: int = 200,
    leads_to: Sequence[str] = (),
    referrer: str = "no-referrer",
    has_script: bool = False,
    **shown: Any,
) -> HTMLResponse:
    """The page of a template. With `has_script`, the template's own scripts run and may load pages of booksync.

    Its form is sent to booksync, which may redirect the browser to the origins of `leads_to`. With the default
    `referrer` policy a browser sends the Origin "null" with the form.
    """
    nonce = secrets.token_urlsafe(16)
    content = _TEMPLATES.get_template(template).render(shown, nonce=nonce)
    allowed = " ".join([f"style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'", *leads_to])
    if has_script:
        allowed += f"; script-src 'nonce-{nonce}'; connect-src 'self'"
    return HTMLResponse(content, status, headers=_headers(allowed, referrer))


def _headers(allowed: str, referrer: str) -> dict[str, str]:
    """The headers of a page; `allowed` is what its Content-Security-Policy allows besides nothing."""
    return {
        "Content-Security-Policy": f"default-src 'none'; {allowed}; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": referrer,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def origin_of(address: str) -> str:
    """The scheme, host and port of a web address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("workers.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= FILTERS
    return environment


_TEMPLATES = _templates()
