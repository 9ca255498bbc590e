"""Sign-in links: an address that begins one console session of an operator, once and within ten minutes."""

import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from domain.errors import BooksyncError
from domain.operators import Operator, name_of
from workers.boot.basics import Basics
from workers.secrets.sealed import Sealed
from workers.secrets.vault import Vault
from workers.services.connect_links import public_url
from workers.services.operators import enabled_operator, sign_out, signed_in

LINK_SECONDS = 600


class NoOneSignsInError(BooksyncError):
    """No operator of this name may sign in. Next: booksync operators list."""


@dataclass(frozen=True, slots=True)
class SignInLink:
    """What the link holds. A used link is remembered as a console session that was ended is."""

    link_id: uuid.UUID
    name: str
    stamp: uuid.UUID = field(repr=False)  #: `Operator.stamp` when the link was made


_SEALED = Sealed(SignInLink, "console sign-in link", max_age_seconds=LINK_SECONDS)


def sign_in_link(basics: Basics, vault: Vault, name: str) -> str:
    """Return the web address of a new link for this operator.

    Raises:
        NoPublicUrlError: PUBLIC_URL is not set.
        NoOneSignsInError: no operator has this name, or the operator is disabled.
    """
    root = public_url(basics.settings)
    operator = enabled_operator(basics, name_of(name))
    if operator is None:
        raise NoOneSignsInError
    sealed = _SEALED.seal(vault, SignInLink(uuid.uuid4(), operator.name, operator.stamp))
    return f"{root}/sign-in?link={quote(sealed)}"


def use_link(basics: Basics, vault: Vault, sealed: str, *, longest_seconds: float) -> Operator | None:
    """Return the operator of a link, which is used up by this call; None if it may not sign in.

    The link is refused if it was used before, is older than `LINK_SECONDS` or was altered. It ends with its operator's
    password and role, and when the operator is disabled. `longest_seconds` is a console session's longest duration.

    Raises:
        DatabaseError: Postgres does not work.
    """
    link = _SEALED.unseal(vault, sealed)
    if link is None:
        return None
    operator = signed_in(basics, link.link_id, link.name, link.stamp)
    if operator is None or not sign_out(basics, link.link_id, longest_seconds=longest_seconds):
        return None
    return operator
