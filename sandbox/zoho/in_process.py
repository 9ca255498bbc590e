"""A simulator of Zoho without a process or a socket, on a manual clock: for unit tests."""

import random
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.zoho.books import Books
from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.clock import ManualClock
from sandbox.zoho.commands import EditOrganization, Mutation, OrganizationFields
from sandbox.zoho.data import made_up_books
from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest
from sandbox.zoho.limits import Limits
from sandbox.zoho.oauth import Tokens, User
from sandbox.zoho.responses import Response
from sandbox.zoho.simulator import REVOKE_PATH, TOKEN_PATH, Simulator

NO_LIMITS = Limits(requests_per_minute=1_000_000, requests_per_day=1_000_000, concurrency=1_000)
REFRESH_TOKEN = "sandbox-refresh"  # noqa: S105


@dataclass(slots=True)
class InProcessZoho:
    """One simulated organisation, with a user whose access token is valid."""

    simulator: Simulator
    clock: ManualClock
    organization_id: str
    access_token: str = field(repr=False)

    @property
    def books(self) -> Books:
        return self.simulator.books(self.organization_id)

    def sign_in(self) -> None:
        """Get a new access token, which is needed after a test has moved the clock by hours."""
        self.access_token = orjson.loads(self.token().body)["access_token"]

    def response(self, path: str, **query: object) -> Response:
        """The raw response of the simulator to a call."""
        texts = {"organization_id": self.organization_id} | {name: str(value) for name, value in query.items()}
        return self.simulator.serve(path, texts, f"Zoho-oauthtoken {self.access_token}")

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """The JSON document of the response to a GET, whatever its status."""
        return dict(orjson.loads(self.response(path, **query).body))

    def token(self, **form: str) -> Response:
        """The response of the accounts server to a token request; client and grant type are valid unless overridden."""
        right = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "refresh_token",
            "refresh_token": REFRESH_TOKEN,
        }
        visit = self.simulator.arrive(TOKEN_PATH, {}, "")
        response = self.simulator.token_response(visit, right | form)
        self.simulator.leave(visit)
        return response

    def revoke(self, refresh_token: str = REFRESH_TOKEN) -> Response:
        """The response of the accounts server to the revocation of a refresh token."""
        visit = self.simulator.arrive(REVOKE_PATH, {}, "")
        response = self.simulator.token_response(visit, {"token": refresh_token})
        self.simulator.leave(visit)
        return response

    def mutate(self, *mutations: Mutation) -> list[dict[str, object]]:
        return self.simulator.mutate(self.organization_id, mutations)

    def edit_organization(self, **fields: Any) -> None:
        """Change OrganizationFields by name, as the organisation's owner can at any time."""
        self.mutate(EditOrganization(fields=OrganizationFields(**fields)))

    def fault(self, name: FaultName, times: int | None = None, **params: Any) -> int:
        return self.simulator.switch_on(FaultRequest(name=name, params=FaultParams(**params), times=times))


def in_process_zoho(
    contacts: int = 0, invoices: int = 0, *, number: int = 0, limits: Limits = NO_LIMITS
) -> InProcessZoho:
    """A simulator of one organisation; `number` chooses its country (0 US, 1 India, 2 Britain, …)."""
    clock = ManualClock()
    books = made_up_books(seed=1, number=number, contacts=contacts, invoices=invoices, now=int(clock.wall()))
    organization_id = books.organization.organization_id
    tokens = Tokens()
    tokens.know(REFRESH_TOKEN, User((organization_id,)))
    simulator = Simulator({organization_id: books}, tokens, limits, clock, rng=random.Random(1))
    zoho = InProcessZoho(simulator, clock, organization_id, access_token="")
    zoho.sign_in()
    return zoho
