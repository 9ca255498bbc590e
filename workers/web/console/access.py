"""Access to the console: `require` is the one check of each page and each action."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from db.failures import DatabaseError, failure_of
from domain.errors import BooksyncError
from domain.operators import Operator, Role
from workers.services.operators import record_use, signed_in
from workers.web.console.proxy_names import name_by_proxy, operator_by_proxy
from workers.web.console.sessions import ConsoleSession, session_of
from workers.web.forms import Form, read_form, refuse_forged
from workers.web.state import resources_of

#: The parameter of addresses that a page loads by itself. Such requests do not renew the session.
RELOADED = "reloaded"


class SignInNeededError(BooksyncError):
    """The request has no console session, or the session has ended."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """An operator who is signed in, and the form that was sent."""

    operator: Operator
    session: ConsoleSession
    is_renewed: bool  #: whether the response has to write the session's cookie again
    form: Form = field(default_factory=dict)

    def may(self, role: str) -> bool:
        """Whether the visitor may do what this role may do. Pages show no action that the visitor may not do."""
        return self.operator.role.includes(Role(role))


class RoleMissingError(BooksyncError):
    """The visitor's role does not include the role that the page needs."""

    def __init__(self, visitor: Visitor, needed: Role) -> None:
        super().__init__(f"needs the role {needed}")
        self.visitor = visitor
        self.needed = needed


class PostgresFailedError(BooksyncError):
    """Postgres does not work. The message names the kind of the failure."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The dependency of a page or an action that needs this role. For an action it also checks the form's token.

    The call raises:
        SignInNeededError: the request has no console session, or the session has ended.
        ProxyNameRefusedError: a trusted proxy names no operator who may sign in.
        RoleMissingError: the visitor has a lower role.
        ForgedFormError: the form of an action is from another page.
        PostgresFailedError: Postgres does not work.
        UnreadableFormError: the form is too large, or has characters that cannot be stored.
        HTTPException: see `read_form`.
    """

    role: Role

    async def __call__(self, request: Request) -> Visitor:
        visitor = await run_in_threadpool(_visitor, request)
        request.state.visitor = visitor  # for the pages of refusals
        if request.method not in ("GET", "HEAD"):
            form = await read_form(request)
            refuse_forged(request, form, visitor.session.csrf_token)
            visitor = replace(visitor, form=form)
        if not visitor.operator.role.includes(self.role):
            raise RoleMissingError(visitor, self.role)
        return visitor


def require(role: Role) -> Requirement:
    """Return the dependency of a page or an action that needs this role."""
    return Requirement(role)


#: The parameter `visitor` of a page or an action, by the role that it needs.
AsViewer = Annotated[Visitor, Depends(require(Role.VIEWER))]
AsAccountant = Annotated[Visitor, Depends(require(Role.ACCOUNTANT))]
AsOperator = Annotated[Visitor, Depends(require(Role.OPERATOR))]


@contextmanager
def postgres_needed() -> Iterator[None]:
    """Let a failure of Postgres end the request.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    try:
        yield
    except DatabaseError as error:
        raise PostgresFailedError(f"Postgres: {failure_of(error).brief}.") from None


def _visitor(request: Request) -> Visitor:
    resources = resources_of(request)
    now = time.time()
    name = name_by_proxy(request)
    session = session_of(request, now)
    operator = None
    with postgres_needed():
        if session is not None and session.is_of(name):
            operator = signed_in(resources, session.session_id, session.name, session.stamp)
        if session is not None and operator is not None:
            used = session if RELOADED in request.query_params else session.renewed(now)
        elif name is not None and RELOADED not in request.query_params:
            operator = operator_by_proxy(request, name)
            used = ConsoleSession.begun(operator, now, by_proxy=True)
        else:
            raise SignInNeededError
        if used is not session:
            record_use(resources, operator)
    return Visitor(operator, used, is_renewed=used is not session)
