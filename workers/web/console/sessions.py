"""Console sessions: who has signed in, in a cookie. Each web process with the same ENCRYPTION_KEYS can decrypt it."""

import secrets
import uuid
from dataclasses import dataclass, field, replace

from fastapi import Request
from starlette.responses import Response

from domain.operators import Operator
from workers.secrets.sealed import Sealed
from workers.secrets.vault import Vault
from workers.web.state import resources_of

#: A console session ends this long after its last use, and this long after the sign-in.
IDLE_SECONDS = 1800
LONGEST_SECONDS = 12 * 3600

#: The cookie is renewed this long after it was written.
RENEW_SECONDS = 60

_COOKIE = "booksync_session"


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """What the cookie holds. Times are seconds since 1970."""

    session_id: uuid.UUID
    name: str
    stamp: uuid.UUID = field(repr=False)  #: `Operator.stamp` at the sign-in
    csrf_token: str = field(repr=False)
    began_at: float
    seen_at: float
    by_proxy: bool = False  #: whether a trusted proxy has signed the operator in

    @classmethod
    def begun(cls, operator: Operator, now: float, *, by_proxy: bool = False) -> "ConsoleSession":
        """Return a new session. It takes nothing from a cookie that the browser has already."""
        return cls(uuid.uuid4(), operator.name, operator.stamp, secrets.token_urlsafe(32), now, now, by_proxy)

    def is_of(self, proxied_name: str | None) -> bool:
        """Whether a request on which a trusted proxy has written this name, or none, may use the session."""
        return not self.by_proxy if proxied_name is None else self.by_proxy and self.name == proxied_name

    def is_over(self, now: float) -> bool:
        return now - self.seen_at >= IDLE_SECONDS or now - self.began_at >= LONGEST_SECONDS

    def renewed(self, now: float) -> "ConsoleSession":
        """Return the session as used now; the session itself if its cookie was written a moment ago."""
        return replace(self, seen_at=now) if now - self.seen_at >= RENEW_SECONDS else self


_SEALED = Sealed(ConsoleSession, "console session", max_age_seconds=LONGEST_SECONDS)


def sealed(vault: Vault, session: ConsoleSession) -> str:
    """Return the value of the session's cookie."""
    return _SEALED.seal(vault, session)


def unsealed(vault: Vault, cookie: str, now: float) -> ConsoleSession | None:
    """Return the session of a cookie; None if the session has ended, or if booksync did not write the cookie."""
    session = _SEALED.unseal(vault, cookie)
    return None if session is None or session.is_over(now) else session


def session_of(request: Request, now: float) -> ConsoleSession | None:
    """Return the session that the request's cookie names; the operator may have been disabled since."""
    return unsealed(resources_of(request).vault, cookie_of(request, _COOKIE), now)


def has_session_cookie(request: Request) -> bool:
    return bool(cookie_of(request, _COOKIE))


def keep_session(request: Request, response: Response, session: ConsoleSession) -> None:
    """Write the session's cookie."""
    set_cookie(request, response, _COOKIE, sealed(resources_of(request).vault, session))


def forget_session(request: Request, response: Response) -> None:
    """Delete the session's cookie."""
    delete_cookie(request, response, _COOKIE)


def cookie_of(request: Request, name: str) -> str:
    """Return the value of a cookie of the console; "" without one."""
    return request.cookies.get(_full_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Write a cookie that no script reads, that no other site sends with a form, and that ends with the browser."""
    response.set_cookie(
        _full_name(request, name), value, httponly=True, samesite="lax", secure=_is_secure(request), path="/"
    )


def delete_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _full_name(request, name), httponly=True, samesite="lax", secure=_is_secure(request), path="/"
    )


def _full_name(request: Request, name: str) -> str:
    # Browsers accept a cookie with this prefix only from the host itself and over TLS.
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    public = resources_of(request).settings.public_url
    return request.url.scheme == "https" or (public is not None and public.scheme == "https")
