"""The optional webhook: claim due reminders and post them, signed, until the receiver has accepted them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import orjson
import structlog
from pydantic import SecretStr
from sqlalchemy import Engine

from db import hand_over, reminder_posts
from db.reminder_posts import Post
from domain.posting import next_attempt_at, signatures
from workers.boot.resources import Resources
from workers.observability.logs import describe
from workers.zoho.deadline import DeadlineTransport, deadline

log = structlog.get_logger(__name__)

#: Time between two looks for due reminders.
_TICK_SECONDS = 5.0

#: Handovers per batch. It is small because a payment may arrive while a handover waits to be posted.
BATCH = 5

#: Timeouts of each network wait and of the whole call; the second one stops a receiver that sends byte by byte.
_WAIT_SECONDS = 5.0
CALL_SECONDS = 10.0


@contextmanager
def posting(resources: Resources) -> Iterator[None]:
    """Post due reminders in a separate thread during the block; do nothing without REMINDER_WEBHOOK_URL."""
    if resources.settings.reminder_webhook_url is None:
        yield
        return
    stopped = threading.Event()
    thread = threading.Thread(target=_post_until, args=(resources, stopped), name="reminders")
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _post_until(resources: Resources, stopped: threading.Event) -> None:
    url, found = resources.settings.reminder_webhook_url, resources.settings.reminder_webhook_secret
    assert url is not None
    assert found is not None
    secrets = tuple(secret.get_secret_value() for secret in found)
    with new_receiver_client(resources.settings.reminder_webhook_proxy_url) as client:
        receiver = Receiver(client, url.get_secret_value(), secrets)
        while not stopped.is_set():
            try:
                while post_due(resources.engine, receiver) and not stopped.is_set():
                    pass
            except Exception as error:  # noqa: BLE001  (the outermost loop: the end of this thread would go unnoticed)
                log.error("No reminder can be posted", action="reminders.posting_failed", error=describe(error))
            stopped.wait(_TICK_SECONDS)


def new_receiver_client(proxy_url: SecretStr | None = None) -> httpx.Client:
    """Return the HTTP client for the receiver. It follows no redirect, because the body holds names and numbers. It
    ignores the environment's proxy variables: `proxy_url` is the only proxy."""
    proxy = None if proxy_url is None else httpx.Proxy(proxy_url.get_secret_value())
    return httpx.Client(
        transport=DeadlineTransport(limits=httpx.Limits(max_connections=1), proxy=proxy),
        timeout=_WAIT_SECONDS,
        follow_redirects=False,
        trust_env=False,
    )


class Receiver:
    """The receiver of the handovers."""

    def __init__(self, client: httpx.Client, url: str, secrets: tuple[str, ...]) -> None:
        self._client = client
        self._url = url
        self._secrets = secrets

    def tell(self, post: Post) -> str | None:
        """Post one handover; return None if it was received (any 2xx), else the failure in words without the URL.

        The signature covers the body and the time. The handover's id is the idempotency key, by which a receiver
        recognises a repeated post.
        """
        body = orjson.dumps(post.body)
        timestamp = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(post.contact_id),
            "X-Booksync-Timestamp": str(timestamp),
            "X-Booksync-Signature": signatures(self._secrets, timestamp, body),
        }
        try:
            with (
                deadline(CALL_SECONDS),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                # Only the status line counts. The body is not read, because it may be a decompression bomb or endless.
                return None if response.is_success else f"HTTP {response.status_code}"
        except httpx.HTTPError as error:
            return type(error).__name__


def post_due(engine: Engine, receiver: Receiver) -> int:
    """Claim a batch of due reminders, then post a batch of waiting handovers; return the size of the second batch."""
    with engine.begin() as connection:
        claimed = hand_over.claim(connection, at_most=BATCH)
        reminder_posts.enqueue(connection, [contact.contact_id for contact in claimed])
    with engine.begin() as connection:
        posts = reminder_posts.take(connection, limit=BATCH)
    for post in posts:
        _post(engine, receiver, post)
    return len(posts)


def _obstacle(post: Post, *, is_late: bool) -> str | None:
    """Return why the handover must not be posted any more; None if it may be."""
    if post.is_withdrawn:
        return reminder_posts.WITHDRAWN
    if post.is_closed:
        return reminder_posts.CLOSED
    return reminder_posts.TOO_LATE if is_late else None


def _post(engine: Engine, receiver: Receiver, post: Post) -> None:
    """Post one handover and store the result. Only ids are logged."""
    with engine.connect() as connection:
        is_late = post.is_outside_hours or reminder_posts.present(connection) >= post.closes_at
    problem = _obstacle(post, is_late=is_late)
    is_tried = problem is None
    problem = problem or receiver.tell(post)
    with engine.begin() as connection:
        if problem is None:
            reminder_posts.note_posted(connection, post.contact_id)
            log.info("A contact is posted", action="reminders.posted", contact_id=str(post.contact_id))
            return
        now = reminder_posts.present(connection)
        again_at = next_attempt_at(post.attempts, now, post.closes_at) if is_tried else None
        reminder_posts.note_failed(connection, post.contact_id, problem, again_at=again_at)
    log.warning(
        "A contact could not be posted",
        action="reminders.not_posted",
        contact_id=str(post.contact_id),
        problem=problem,
        is_given_up=again_at is None,
    )
