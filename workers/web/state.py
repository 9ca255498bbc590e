"""What the application keeps for all requests."""

from fastapi import Request

from workers.boot.basics import Basics
from workers.boot.resources import Resources
from workers.services.kept_counts import KeptCounts
from workers.services.kept_previews import KeptPreviews
from workers.web.console.long_actions import LongActions
from workers.web.console.password_check import PasswordCheck

#: The key of the connection's own address in the state of a request's scope.
PEER = "peer"


def resources_of(request: Request) -> Resources:
    """Return the process's resources."""
    resources: Resources = request.app.state.resources
    return resources


def patient_basics_of(request: Request) -> Basics:
    """Return basics whose statements have no time limit, for actions that change many rows in one transaction."""
    patient: Basics = request.app.state.patient
    return patient


def address_of(request: Request) -> str:
    """Return the client's address, by which guesses of passwords are counted."""
    return request.client.host if request.client else "unknown"


def peer_of(request: Request) -> str | None:
    """Return the address at the other end of the connection: the last proxy's, or the client's if there is no proxy.

    None at a Unix socket, and under a server that is not uvicorn. `address_of` is what X-Forwarded-For says.
    """
    peer: str | None = request.scope.get("state", {}).get(PEER)
    return peer


def password_check_of(request: Request) -> PasswordCheck:
    """Return the process's check of console passwords."""
    check: PasswordCheck = request.app.state.password_check
    return check


def long_actions_of(request: Request) -> LongActions:
    """Return the process's actions of operators that go on in the background."""
    actions: LongActions = request.app.state.long_actions
    return actions


def counts_of(request: Request) -> KeptCounts:
    """Return the counts that the process keeps for the console's pages."""
    counts: KeptCounts = request.app.state.counts
    return counts


def previews_of(request: Request) -> KeptPreviews:
    """Return the previews that the process keeps for the console's pages."""
    previews: KeptPreviews = request.app.state.previews
    return previews
