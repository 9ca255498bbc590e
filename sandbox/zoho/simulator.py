"""The simulated Zoho without a socket: it takes calls, and gives responses and the effects of faults."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Literal

from sandbox.zoho.bombs import bomb
from sandbox.zoho.books import Books
from sandbox.zoho.calls import ADDRESSED_SCOPE, BooksCall, kind_of_path, respond_to_books_call
from sandbox.zoho.clock import Clock, SystemClock
from sandbox.zoho.commands import Mutation
from sandbox.zoho.edit import Edit, Result
from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest
from sandbox.zoho.faults import Call, Faults
from sandbox.zoho.limits import Limits, OrganizationLimiter
from sandbox.zoho.mutations import apply_all
from sandbox.zoho.oauth import Tokens, User, throttled
from sandbox.zoho.responses import Response, ZohoError, foreign_organization, method_not_allowed
from sandbox.zoho.rows import organization_row
from sandbox.zoho.server_requests import LimitsRequest
from sandbox.zoho.stats import Arrival, CallKind, Stats

TOKEN_PATH = "/oauth/v2/token"  # noqa: S105
REVOKE_PATH = f"{TOKEN_PATH}/revoke"
HTML_ERROR_PAGE = b"<html><head><title>Zoho</title></head><body><h1>We'll be back shortly.</h1></body></html>"


class UnknownOrganizationError(LookupError):
    """The simulator holds no such organisation."""


@dataclass(slots=True)
class Visit:
    """One call to the simulator, between its arrival and its response."""

    call: Call
    query: Mapping[str, str]
    arrival: Arrival
    user: User | None = None
    limiter: OrganizationLimiter | None = None
    refusal: ZohoError | None = None
    delay_seconds: float = 0.0
    hang_seconds: float | None = None
    """The seconds after which the connection is dropped without a response."""
    reset: Literal["before", "middle"] | None = None


@dataclass(slots=True)
class Simulator:
    """The simulated Zoho with several organisations behind one address.

    A call goes through `arrive` → (wait `delay_seconds`) → `response` → `leave`; `serve` does all of these.
    """

    organizations: dict[str, Books]
    tokens: Tokens
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=SystemClock)
    latency_seconds: float = 0.0
    rng: random.Random = field(default_factory=random.Random)
    faults: Faults = field(default_factory=Faults)
    stats: Stats = field(default_factory=Stats)
    limiters: dict[str, OrganizationLimiter] = field(init=False)

    def __post_init__(self) -> None:
        self.limiters = {
            identifier: OrganizationLimiter(self.limits, books.organization.zone)
            for identifier, books in self.organizations.items()
        }

    @property
    def is_changed(self) -> bool:
        """Whether anything in the simulator changed since the last save."""
        return self.tokens.is_changed or any(books.is_changed for books in self.organizations.values())

    def now(self) -> float:
        """The server's wall clock, shifted if a fault says so."""
        return self.clock.wall() + self.faults.clock_shift()

    def http_date(self) -> str:
        return formatdate(self.now(), usegmt=True)

    def arrive(self, path: str, query: Mapping[str, str], authorization: str, method: str = "GET") -> Visit:
        """Record the arrival of a call at this instant and decide its outcome, without waiting."""
        path = path.removesuffix("/")  # Zoho also accepts an address that ends with a slash.
        monotonic = self.clock.monotonic()
        kind = kind_of_path(path)
        organization_id = query.get("organization_id", "") if kind is not CallKind.TOKEN else ""
        call = Call(kind, path, organization_id)
        arrival = self.stats.arrive(monotonic, self.clock.wall(), organization_id, kind, method)
        visit = Visit(call, query, arrival, delay_seconds=self.latency_seconds)
        if kind is not CallKind.TOKEN:
            try:
                self._admit(visit, authorization, monotonic)
            except ZohoError as refusal:
                visit.refusal = refusal
        self._trouble(visit)
        return visit

    def response(self, visit: Visit) -> Response:
        """The response to a call to the books."""
        try:
            response = self._books_response(visit)
        except ZohoError as refusal:
            response = refusal.as_response()
        visit.arrival.status = response.status
        dated = self.faults.take(FaultName.DATE_HEADER_LIES, visit.call)
        return response if dated is None else replace(response, headers={**response.headers, "Date": self._date(dated)})

    def token_response(self, visit: Visit, form: Mapping[str, str]) -> Response:
        """The response to a call to the accounts server."""
        response = self._token_response(visit, form)
        visit.arrival.status = response.status
        return response

    def leave(self, visit: Visit) -> None:
        """Release the call's place among the calls in flight, and make the changes of due `mutation_after` faults."""
        if visit.limiter is not None:
            visit.limiter.leave()
        for fault in self.faults.due_mutations(visit.call):
            organization_id = fault.request.organization_id or visit.call.organization_id
            if organization_id in self.organizations:  # A call may name no organisation, or an unknown one.
                self.mutate(organization_id, fault.params.mutations)

    def serve(self, path: str, query: Mapping[str, str], authorization: str) -> Response:
        visit = self.arrive(path, query, authorization)
        try:
            return self.response(visit)
        finally:
            self.leave(visit)

    def mutate(self, organization_id: str, mutations: Sequence[Mutation]) -> list[Result]:
        """Change an organisation's books. Raises UnknownOrganizationError, UnknownRecordError."""
        late = self.faults.of_organization(FaultName.LATE_VISIBILITY, organization_id)
        visible_at = None if late is None else self.clock.monotonic() + late.seconds
        books = self.books(organization_id)
        try:
            return apply_all(mutations, Edit(books, self.rng, int(self.now()), visible_at))
        finally:
            self.limiters[organization_id].zone = books.organization.zone

    def switch_on(self, request: FaultRequest) -> int:
        """Switch a fault on. An event (`access_tokens_expired`) happens at once and does not stay on."""
        if request.name is FaultName.ACCESS_TOKENS_EXPIRED:
            self.tokens.expire(request.organization_id)
            return 0
        return self.faults.switch_on(request)

    def set_limits(self, request: LimitsRequest) -> None:
        chosen = [request.organization_id] if request.organization_id else list(self.limiters)
        changes = request.model_dump(exclude={"organization_id", "unblock", "spend_day"}, exclude_none=True)
        for organization_id in chosen:
            self.books(organization_id)
            limiter = self.limiters[organization_id]
            limiter.change(changes)
            limiter.use_day(request.spend_day)
            if request.unblock:
                limiter.unblock()

    def reset_stats(self) -> None:
        """Reset the statistics; calls in flight stay counted as in flight."""
        self.stats.arrivals.clear()
        self.tokens.refreshes = self.tokens.exchanges = 0
        for limiter in self.limiters.values():
            limiter.max_in_flight = limiter.in_flight

    def books(self, organization_id: str) -> Books:
        try:
            return self.organizations[organization_id]
        except KeyError:
            raise UnknownOrganizationError(f"no organisation {organization_id}") from None

    def _admit(self, visit: Visit, authorization: str, monotonic: float) -> None:
        """Authenticate a call, then count it for the organisation, so that unknown callers do not use its limits."""
        visit.user = self.tokens.user_of(authorization, self.clock.wall())
        if visit.call.kind is CallKind.ORGANIZATIONS:
            return
        if visit.call.organization_id not in visit.user.organization_ids:
            raise foreign_organization()
        limiter = self.limiters[visit.call.organization_id]
        limiter.admit(monotonic, self.now())
        visit.limiter = limiter

    def _date(self, lie: FaultParams) -> str:
        return formatdate(self.now() + lie.seconds, usegmt=True) if lie.date is None else lie.date

    def _trouble(self, visit: Visit) -> None:
        slow = self.faults.take(FaultName.LATENCY, visit.call)
        if slow is not None:
            visit.delay_seconds += slow.seconds
        hung = self.faults.take(FaultName.HANG, visit.call)
        visit.hang_seconds = None if hung is None else hung.seconds
        dropped = self.faults.take(FaultName.RESET, visit.call)
        visit.reset = None if dropped is None else dropped.where

    def _books_response(self, visit: Visit) -> Response:
        if visit.refusal is not None:
            raise visit.refusal
        if visit.arrival.method != "GET":
            raise method_not_allowed(visit.arrival.method)
        ordered = self.faults.take(FaultName.ANSWER, visit.call)
        if ordered is not None:
            return _ordered_response(ordered)
        response = self._honest_response(visit)
        return self._spoiled(visit, response)

    def _honest_response(self, visit: Visit) -> Response:
        assert visit.user is not None  # A call without a known user was already refused on arrival.
        scope = ADDRESSED_SCOPE.get(visit.call.kind)
        if scope is not None:
            visit.user.require_scope(scope)
        if visit.call.kind is CallKind.ORGANIZATIONS:
            return self._organizations(visit.user)
        books = self.organizations[visit.call.organization_id]
        books.show_due(self.clock.monotonic())
        body = respond_to_books_call(BooksCall(visit.call, visit.query, books, self.now(), self.faults))
        return Response(200, body, self.limiters[visit.call.organization_id].headers(self.now()))

    def _organizations(self, user: User) -> Response:
        """List the token's organisations.

        The call counts against no organisation's limits, because it names none. The headers of its response show the
        first organisation's limit of the day.
        """
        mine = [self.organizations[each] for each in user.organization_ids if each in self.organizations]
        entries = [organization_row(books.organization, number == 0) for number, books in enumerate(mine)]
        response = Response.of({"code": 0, "message": "success", "organizations": entries})
        headers = self.limiters[mine[0].organization.organization_id].headers(self.now()) if mine else {}
        return Response(200, response.body, headers)

    def _token_response(self, visit: Visit, form: Mapping[str, str]) -> Response:
        down = self.faults.take(FaultName.TOKEN_ENDPOINT_DOWN, visit.call)
        if down is not None:
            return Response(down.status or 503, HTML_ERROR_PAGE, content_type="text/html")
        ordered = self.faults.take(FaultName.ANSWER, visit.call)
        if ordered is not None:
            return _ordered_response(ordered)
        if self.faults.take(FaultName.TOKEN_ENDPOINT_THROTTLED, visit.call) is not None:
            return throttled()
        if visit.call.path == REVOKE_PATH:
            return self.tokens.revoke(form.get("token", ""))
        revoked = self.faults.revoked_organizations(frozenset(self.organizations))
        response = self.tokens.response(form, self.clock.wall(), revoked)
        return self._spoiled(visit, response)

    def _spoiled(self, visit: Visit, response: Response) -> Response:
        """The response as the faults that apply to it have changed it."""
        garbage = self.faults.take(FaultName.GARBAGE, visit.call)
        if garbage is not None:
            return _garbled(response, garbage)
        grown = self.faults.take(FaultName.BOMB, visit.call)
        return response if grown is None else bomb(response, grown.bomb)


def _ordered_response(params: FaultParams) -> Response:
    headers = {} if params.retry_after is None else {"Retry-After": str(params.retry_after)}
    return ZohoError(params.status or 500, params.code, params.message, headers).as_response()


def _garbled(response: Response, params: FaultParams) -> Response:
    status = params.status or response.status
    if params.body == "truncated":
        return Response(status, response.body[: len(response.body) // 2], response.headers)
    if params.body == "text":
        return Response(status, b"upstream connect error or disconnect/reset before headers", content_type="text/plain")
    return Response(status, HTML_ERROR_PAGE, content_type="text/html;charset=UTF-8")
