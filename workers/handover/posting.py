"""The optional webhook: due reminders are claimed and posted, signed, until the receiver has them."""

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

#: How often somebody looks for what is due.
_TICK_SECONDS = 5.0

#: Contacts that are claimed, and posted, at a time: while they wait for their turn a payment may come.
BATCH = 5

#: Each wait on the network, and the call as a whole: a receiver that sends a byte now and then holds no thread.
_WAIT_SECONDS = 5.0
CALL_SECONDS = 10.0


@contextmanager
def posting(resources: Resources) -> Iterator[None]:
    """Posts what is due beside the block, in a thread of its own; without REMINDER_WEBHOOK_URL nothing is done."""
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
            except Exception as error:  # noqa: BLE001  (the outermost loop: a thread that ends is missed by nobody)
                log.error("No reminder can be posted", action="reminders.posting_failed", error=describe(error))
            stopped.wait(_TICK_SECONDS)


def new_receiver_client(proxy_url: SecretStr | None = None) -> httpx.Client:
    """The HTTP client for the receiver. It follows no redirect, because the body holds names and numbers, and heeds no
    proxy variables of the environment: `proxy_url` is the only proxy."""
    proxy = None if proxy_url is None else httpx.Proxy(proxy_url.get_secret_value())
    return httpx.Client(
        transport=DeadlineTransport(limits=httpx.Limits(max_connections=1), proxy=proxy),
        timeout=_WAIT_SECONDS,
        follow_redirects=False,
        trust_env=False,
    )


class Receiver:
    """Where contacts are posted."""

    def __init__(self, client: httpx.Client, url: str, secrets: tuple[str, ...]) -> None:
        self._client = client
        self._url = url
        self._secrets = secrets

    def tell(self, post: Post) -> str | None:
        """Posts one contact: None when it was received (any 2xx), else what went wrong, in words without the address.

        The body is signed together with the time, and the contact's id is the key by which a receiver knows what it has
        had before.
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
                # The status line decides. The response's body is not read: it may be a bomb, or without end.
                return None if response.is_success else f"HTTP {response.status_code}"
        except httpx.HTTPError as error:
            return type(error).__name__


def post_due(engine: Engine, receiver: Receiver) -> int:
    """Claims what is due, then posts what waits, a batch of each; returns how many contacts were looked at."""
    with engine.begin() as connection:
        claimed = hand_over.claim(connection, at_most=BATCH)
        reminder_posts.enqueue(connection, [contact.contact_id for contact in claimed])
    with engine.begin() as connection:
        posts = reminder_posts.take(connection, limit=BATCH)
    for post in posts:
        _post(engine, receiver, post)
    return len(posts)


def _obstacle(post: Post, *, is_late: bool) -> str | None:
    """Why the contact is not posted any more; None where it is."""
    if post.is_withdrawn:
        return reminder_posts.WITHDRAWN
    if post.is_closed:
        return reminder_posts.CLOSED
    return reminder_posts.TOO_LATE if is_late else None


def _post(engine: Engine, receiver: Receiver, post: Post) -> None:
    """One call, and what became of it. Only ids are logged."""
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
