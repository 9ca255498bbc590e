"""`/webhooks/zoho/{connection}`: what Zoho tells is stored, then thanked for with 202, then fetched by a worker."""

import secrets
import uuid
from collections.abc import Sequence
from functools import lru_cache

import structlog
from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, BackgroundTasks, HTTPException
from fastapi import Request as HTTPRequest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from db import webhook_events
from db.secrets import Place, SecretName
from db.webhook_events import Due
from workers.broker import send_resync
from workers.logs import describe
from workers.resources import Resources
from workers.vault import UnreadableSecretError, Vault
from workers.web.signatures import is_authentic
from workers.web.webhook_bodies import Request, UnreadableBodyError, read_events, take_apart

router = APIRouter()
log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1_000_000

#: Threads that send, and how many answers' messages may wait for one.
_SENDERS = 4
_MOST_WAITING = 1_000

#: So long a webhook waits for a thread while others wait for Postgres.
LONGEST_WAIT_SECONDS = 5.0

#: Asked for where the address names no connection, so that this takes as long as one that nobody has.
_NO_CONNECTION = uuid.UUID(int=0)


@router.api_route("/webhooks/zoho/{connection}", methods=["POST", "PUT"], status_code=202)
async def receive(connection: str, request: HTTPRequest, background: BackgroundTasks) -> dict[str, str]:
    """202 when the events are stored; 401, 413, 400 or 503 else. No answer tells which connections there are."""
    resources: Resources = request.app.state.resources
    body = await _bounded_body(request)
    told = take_apart(request.url.query, request.headers.get("content-type", ""), body)
    # Sent after the answer: Zoho need not wait for Redis.
    background.add_task(_send, resources, await _stored(resources, connection, request, told))
    return {"status": "accepted"}


async def _bounded_body(request: HTTPRequest) -> bytes:
    """The body, whatever its length claims to be."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413, "The body is larger than 1 MB.")
    except ClientDisconnect:
        raise HTTPException(400, "The body is not whole.") from None
    return bytes(body)


async def _stored(resources: Resources, connection: str, request: HTTPRequest, told: Request) -> Sequence[Due]:
    """Stored in a thread. Once begun it is not left alone: it ends by itself, for Postgres's answers are waited for so
    long and no longer."""
    try:
        with fail_after(LONGEST_WAIT_SECONDS):
            return await run_in_threadpool(_store, resources, connection, request, told)
    except TimeoutError:
        log.error("A webhook could not be stored: no thread is free", action="webhook.no_thread")
        raise _later() from None


def _later() -> HTTPException:
    return HTTPException(503, "Try again later.", headers={"Retry-After": "60"})


def _store(resources: Resources, connection: str, request: HTTPRequest, told: Request) -> Sequence[Due]:
    connection_id = _connection_id(connection)
    try:
        with resources.engine.begin() as database:
            encrypted = webhook_events.webhook_secret(database, connection_id)
            if not _is_authentic(resources, connection_id, encrypted, request, told):
                raise HTTPException(401, "The signature is not valid.")
            events = read_events(told)
            due = [webhook_events.receive(database, connection_id, event) for event in events]
    except UnreadableBodyError:
        raise HTTPException(400, "The body is neither JSON nor a form that names a record.") from None
    except (DBAPIError, PoolTimeoutError) as error:
        log.error("A webhook could not be stored", action="webhook.no_database", error=describe(error))
        raise _later() from None
    log.info("Events are stored", action="webhook.stored", connection_id=str(connection_id), events=len(events))
    return [each for each in due if each is not None]


def _connection_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return _NO_CONNECTION


def _is_authentic(
    resources: Resources, connection_id: uuid.UUID, encrypted: str | None, request: HTTPRequest, told: Request
) -> bool:
    """Against a secret that nobody knows where there is no such connection: the same work, and the same answer."""
    known = encrypted is not None
    try:
        place = Place(SecretName.WEBHOOK_SECRET, connection_id if known else _NO_CONNECTION)
        secret = resources.vault.decrypt(encrypted or _nobodys_secret(resources.vault), place)
    except UnreadableSecretError as error:
        log.error("A webhook's secret cannot be read", action="webhook.secret_unreadable", error=describe(error))
        return False
    return is_authentic(secret, request.headers, told.parameters, told.json_body) and known


@lru_cache(maxsize=1)
def _nobodys_secret(vault: Vault) -> str:
    return vault.encrypt(secrets.token_hex(20), Place(SecretName.WEBHOOK_SECRET, _NO_CONNECTION))


async def _send(resources: Resources, following: Sequence[Due]) -> None:
    """In threads of its own, so that a Redis that hangs holds nobody else's; what is left out the sweeper sends."""
    senders = _senders()
    if senders.statistics().tasks_waiting < _MOST_WAITING:
        await run_sync(_send_all, resources, following, limiter=senders)


@lru_cache(maxsize=1)
def _senders() -> CapacityLimiter:
    return CapacityLimiter(_SENDERS)


def _send_all(resources: Resources, following: Sequence[Due]) -> None:
    for due in following:
        send_resync(resources.broker, due)
