"""The HTTP routes of the control API under `/_sandbox`, which tests and the demo use and real Zoho does not have."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.zoho.commands import MutationBatch
from sandbox.zoho.edit import UnknownRecordError
from sandbox.zoho.fault_requests import FaultRequest
from sandbox.zoho.oauth import ALL_SCOPES, User
from sandbox.zoho.server_requests import (
    ClientRequest,
    GrantCodeRequest,
    LimitsRequest,
    RestartRequest,
    SaveRequest,
    TokenSettings,
)
from sandbox.zoho.simulator import Simulator, UnknownOrganizationError
from sandbox.zoho.snapshot import snapshot
from sandbox.zoho.state import save

Document = TypeVar("Document", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]
Restart = Callable[[RestartRequest], None]


class ControlAPI:
    """The routes of the control API, one method each."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok", "organizations": list(self._simulator.organizations)})

    async def mutate(self, request: Request) -> Response:
        batch = await _read(request, MutationBatch)
        return _json({"results": self._simulator.mutate(batch.organization_id, batch.mutations)})

    async def switch_on(self, request: Request) -> Response:
        return _json({"fault_id": self._simulator.switch_on(await _read(request, FaultRequest))})

    async def list_faults(self, _: Request) -> Response:
        return _json({"faults": self._simulator.faults.listed()})

    async def clear_faults(self, request: Request) -> Response:
        chosen = request.query_params.get("fault_id")
        self._simulator.faults.clear(None if chosen is None else int(chosen))
        return _json({})

    async def set_limits(self, request: Request) -> Response:
        self._simulator.set_limits(await _read(request, LimitsRequest))
        return _json({})

    async def set_tokens(self, request: Request) -> Response:
        settings = await _read(request, TokenSettings)
        tokens = self._simulator.tokens
        tokens.expires_in = settings.expires_in or tokens.expires_in
        tokens.max_per_window = settings.max_per_window or tokens.max_per_window
        return _json({})

    async def new_grant_code(self, request: Request) -> Response:
        asked = await _read(request, GrantCodeRequest)
        named = asked.organization_ids or ((asked.organization_id,) if asked.organization_id else ())
        organizations = named or tuple(self._simulator.organizations)
        for organization_id in organizations:
            self._simulator.books(organization_id)
        scopes = ALL_SCOPES if asked.scopes is None else asked.scopes
        user = User(organizations, scopes, asked.login, asked.data_center)
        return _json({"code": self._simulator.tokens.new_grant_code(user, self._simulator.clock.wall())})

    async def register_client(self, request: Request) -> Response:
        client = await _read(request, ClientRequest)
        self._simulator.tokens.clients.register(client.client_id, client.client_secret, client.data_center)
        return _json({})

    async def stats(self, request: Request) -> Response:
        """The statistics of all calls; `?arrivals=false` leaves the long list of arrivals out."""
        simulator = self._simulator
        document: dict[str, object] = {
            "calls": simulator.stats.calls(),
            "max_at_once": {each: limiter.max_in_flight for each, limiter in simulator.limiters.items()},
            "token_refreshes": simulator.tokens.refreshes,
            "token_exchanges": simulator.tokens.exchanges,
        }
        if request.query_params.get("arrivals") != "false":
            document["arrivals"] = simulator.stats.arrivals
        return _json(document)

    async def reset_stats(self, _: Request) -> Response:
        self._simulator.reset_stats()
        return _json({})

    async def save(self, request: Request) -> Response:
        save(self._simulator, (await _read(request, SaveRequest)).state)
        return _json({})

    async def snapshot(self, request: Request) -> Response:
        books = self._simulator.books(request.path_params["organization_id"])
        return _json(snapshot(books, books.today(self._simulator.now())))


def control_routes(simulator: Simulator, restart: Restart | None = None) -> list[Route]:
    """The routes of the control API. `restart` replaces this simulator by a new one; None omits its route."""
    api = ControlAPI(simulator)

    async def start_again(request: Request) -> Response:
        assert restart is not None
        restart(await _read(request, RestartRequest))
        return _json({})

    return [
        *([] if restart is None else [Route("/restart", _polite(start_again), methods=["POST"])]),
        Route("/save", _polite(api.save), methods=["POST"]),
        Route("/health", api.health, methods=["GET"]),
        Route("/mutations", _polite(api.mutate), methods=["POST"]),
        Route("/faults", _polite(api.switch_on), methods=["POST"]),
        Route("/faults", api.list_faults, methods=["GET"]),
        Route("/faults", api.clear_faults, methods=["DELETE"]),
        Route("/limits", _polite(api.set_limits), methods=["POST"]),
        Route("/tokens", _polite(api.set_tokens), methods=["POST"]),
        Route("/grant-codes", _polite(api.new_grant_code), methods=["POST"]),
        Route("/clients", _polite(api.register_client), methods=["POST"]),
        Route("/stats", api.stats, methods=["GET"]),
        Route("/stats/reset", api.reset_stats, methods=["POST"]),
        Route("/snapshot/{organization_id}", _polite(api.snapshot), methods=["GET"]),
    ]


def _polite(endpoint: Endpoint) -> Endpoint:
    """Report what is wrong with a request to the control API, instead of failing with HTTP 500."""

    async def responded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValidationError as error:
            return _json({"error": str(error)}, 422)
        except (UnknownOrganizationError, UnknownRecordError) as error:
            return _json({"error": str(error)}, 404)

    return responded


async def _read(request: Request, model: type[Document]) -> Document:
    return model.model_validate_json(await request.body())


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
