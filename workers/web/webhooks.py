"""`/webhooks/zoho/{connection}`: stores the events, acknowledges them with 202, then requests the refreshes."""

import secrets
import uuid
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import structlog
from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, BackgroundTasks, HTTPException
from fastapi import Request as HTTPRequest
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import webhook_events, webhook_secrets
from db.failures import DatabaseError, failure_of
from db.secrets import Place, SecretName
from db.session import Session
from db.transactions import in_transaction
from db.webhook_events import Due
from db.webhook_secrets import WebhookSecrets
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.observability.activities import own_activities
from workers.observability.logs import describe
from workers.queue import send_refresh
from workers.secrets.vault import UnreadableSecretError, Vault
from workers.services.webhook_rules import read_secret
from workers.web import refusals
from workers.web.counted_route import CountedRoute
from workers.web.request_bodies import read_body, refuse_large
from workers.web.state import resources_of
from workers.webhooks.bodies import Reading, Request, UnreadableBodyError, read_events, take_apart
from workers.webhooks.signatures import SECRET_HEADERS, SIGNATURE_HEADER, is_authentic

router = APIRouter(route_class=CountedRoute)
log = structlog.get_logger(__name__)

#: The number of threads that send messages, and of the responses whose messages may wait for such a thread.
_SENDERS = 4
_MOST_WAITING = 1_000

#: The longest time that a webhook waits for a thread while other webhooks wait for Postgres.
LONGEST_WAIT_SECONDS = 5.0

#: The id that is looked up if the URL holds none, so that the response takes as long as for an unknown connection.
_NO_CONNECTION = uuid.UUID(int=0)
_NO_PLACE = Place(SecretName.WEBHOOK_SECRET, _NO_CONNECTION)


class _Secret(StrEnum):
    """The webhook secret that a request has proved to know."""

    CURRENT = "current"
    FORMER = "former"  #: whether it is the former secret, accepted during a rotation


class _RefusedError(BooksyncError):
    """The request is not authentic. `connection_id` is set if the connection exists and the secret does not match."""

    def __init__(self, connection_id: uuid.UUID | None) -> None:
        super().__init__()
        self.connection_id = connection_id


@router.api_route(
    "/webhooks/zoho/{connection}", methods=["POST", "PUT", "DELETE"], status_code=202, response_model=None
)
async def receive(connection: str, request: HTTPRequest, background: BackgroundTasks) -> Response | dict[str, str]:
    """Return 202 once the events are stored; else 401, 413, 408, 400 or 503. No response reveals which connections
    exist."""
    resources = resources_of(request)
    refuse_large(request)
    # The body is not read, because a request without a signature or a secret is refused in any case.
    body = await read_body(request) if _carries_proof(request) else b""
    try:
        following = await _stored(resources, connection, request, body)
    except _RefusedError as refused:
        # The refusal is counted after the response, so that its duration does not depend on the connection's existence.
        task = None
        if refused.connection_id is not None:
            task = BackgroundTask(refusals.count, resources, refused.connection_id)
        return JSONResponse({"detail": "The signature is not valid."}, status_code=401, background=task)
    # The messages are sent after the response, so that Zoho does not wait for Redis.
    background.add_task(_send, resources, following)
    own_activities.worked()
    return {"status": "accepted"}


def _carries_proof(request: HTTPRequest) -> bool:
    return any(request.headers.get(name, "").strip() for name in (SIGNATURE_HEADER, *SECRET_HEADERS))


async def _stored(resources: Resources, connection: str, request: HTTPRequest, body: bytes) -> Sequence[Due]:
    """Store the events of a webhook in a thread.

    The timeout limits only the wait for a thread. Once a thread has begun, it finishes; `POSTGRES_SECONDS` limits its
    statements.
    """
    try:
        with fail_after(LONGEST_WAIT_SECONDS):
            return await run_in_threadpool(_store, resources, connection, request, body)
    except TimeoutError:
        log.error(
            "A webhook could not be stored, because no thread is free; its sender gets status 503",
            action="webhook.no_thread",
        )
        raise _later() from None


def _later() -> HTTPException:
    return HTTPException(503, "Try again later.", headers={"Retry-After": "60"})


def _store(resources: Resources, connection: str, request: HTTPRequest, body: bytes) -> Sequence[Due]:
    # The body is parsed in this thread, because parsing a megabyte would block the event loop.
    content_type = request.headers.get("content-type", "")
    reported = take_apart(request.url.query, content_type, body, method=request.method)
    connection_id = _connection_id(connection)

    def store(db: Session) -> tuple[str, Reading, list[Due | None]]:
        stored = webhook_secrets.find(db, connection_id)
        secret = _matching_secret(resources.vault, stored, connection_id, request, reported)
        reading = _reading(reported)
        return secret, reading, [webhook_events.receive(db, connection_id, event) for event in reading.events]

    try:
        # A refresh of one of the records may lock them in another order.
        secret, reading, due = in_transaction(resources.engine, store)
    except DatabaseError as error:
        log.error(
            "A webhook could not be stored, because Postgres does not work; its sender gets status 503",
            action="webhook.no_database",
            error=describe(error),
            reason=failure_of(error).sentence(resources.engine.url),
        )
        raise _later() from None
    if not reading.events:
        raise HTTPException(400, "The request names no record: neither its body nor its query holds an id.")
    connection_log = log.bind(connection_id=str(connection_id))
    connection_log.info(
        "The events of a webhook are stored", action="webhook.stored", events=len(reading.events), secret=secret
    )
    if reading.left_out:
        connection_log.warning(
            "A webhook names too many records; the next run reads the records beyond the limit",
            action="webhook.left_out",
            left_out=reading.left_out,
        )
    return [each for each in due if each is not None]


def _reading(reported: Request) -> Reading:
    """Return the events that the request names; no event if the request is unreadable."""
    try:
        return read_events(reported)
    except UnreadableBodyError:
        return Reading(())


def _connection_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return _NO_CONNECTION


def _matching_secret(
    vault: Vault, stored: WebhookSecrets | None, connection_id: uuid.UUID, request: HTTPRequest, reported: Request
) -> _Secret:
    """Return which of the connection's secrets the request has proved to know.

    Two secrets are always compared; random ones replace missing ones, also for a connection that does not exist. The
    duration of the response is therefore always the same.

    Raises:
        _RefusedError: neither secret matches.
    """
    current = _secret(vault, stored.current if stored else None, connection_id)
    former = _secret(vault, stored.former if stored else None, connection_id)
    unknown = vault.decrypt(_unknown_secret(vault), _NO_PLACE)
    by_current, by_former = (
        is_authentic(secret or unknown, request.headers, reported.parameters, reported.json_body)
        for secret in (current, former)
    )
    if stored is None or not (by_current or by_former):
        # The request may carry the secret that booksync cannot read, so it is not counted as one with a wrong secret.
        is_countable = stored is not None and None not in (current, former)
        raise _RefusedError(connection_id if is_countable else None)
    return _Secret.CURRENT if by_current else _Secret.FORMER


def _secret(vault: Vault, encrypted: str | None, connection_id: uuid.UUID) -> str | None:
    """Return the decrypted webhook secret; a random one if none is stored; None (logged) if it cannot be read."""
    if encrypted is None:
        return vault.decrypt(_unknown_secret(vault), _NO_PLACE)
    try:
        return read_secret(vault, connection_id, encrypted)
    except UnreadableSecretError as error:
        log.error(
            "A connection's webhook secret cannot be decrypted, so webhooks that carry it are refused",
            action="webhook.secret_unreadable",
            error=describe(error),
        )
        return None


@lru_cache(maxsize=1)
def _unknown_secret(vault: Vault) -> str:
    return vault.encrypt(secrets.token_hex(20), _NO_PLACE)


async def _send(resources: Resources, following: Sequence[Due]) -> None:
    """Send the refresh messages in separate threads, because Redis may hang.

    If too many responses wait for such a thread, the messages are not sent. The scheduler's sweep sends them later.
    """
    senders = _senders()
    if senders.statistics().tasks_waiting < _MOST_WAITING:
        await run_sync(_send_all, resources, following, limiter=senders)


@lru_cache(maxsize=1)
def _senders() -> CapacityLimiter:
    return CapacityLimiter(_SENDERS)


def _send_all(resources: Resources, following: Sequence[Due]) -> None:
    for due in following:
        send_refresh(resources.broker, due)
