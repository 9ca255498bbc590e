"""Posts due reminders to the optional reminder webhook, signed, until the receiver has accepted them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog
from sqlalchemy import Engine

from db import hand_over, reminder_posts
from db.session import autocommit
from workers.boot.resources import Resources
from workers.handover.deliveries import DeliveryJob
from workers.handover.receiver import Receiver, new_receiver_client
from workers.jobs.execution import execute
from workers.observability.counters import Counters
from workers.observability.histograms import ACCEPTED, HANDOVERS, NOT_ACCEPTED
from workers.observability.logs import describe

log = structlog.get_logger(__name__)

#: The time between two looks for due reminders.
_TICK_SECONDS = 5.0

#: The handovers per batch. The number is small because a payment may arrive while a handover waits to be posted.
BATCH = 5


@contextmanager
def posting(resources: Resources) -> Iterator[None]:
    """Post due reminders in a separate thread during the `with` block.

    Without REMINDER_WEBHOOK_URL nothing is posted.
    """
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
        receiver = Receiver(client, url.get_secret_value(), secrets, partial(_count, resources.counters))
        while not stopped.is_set():
            try:
                while _is_work_due(resources.engine) and post_due(resources.engine, receiver) and not stopped.is_set():
                    pass
            except Exception as error:  # noqa: BLE001  (the outermost loop: the end of this thread would go unnoticed)
                log.error(
                    "Due reminders could not be posted to the receiver; booksync tries again in a few seconds",
                    action="reminders.posting_failed",
                    error=describe(error),
                )
            stopped.wait(_TICK_SECONDS)


def _count(counters: Counters, is_accepted: bool, seconds: float) -> None:
    counters.duration(HANDOVERS, ACCEPTED if is_accepted else NOT_ACCEPTED, seconds)


def _is_work_due(engine: Engine) -> bool:
    """Return whether any work may be due. This check needs one statement; a search for due reminders needs several."""
    with autocommit(engine) as db:
        return reminder_posts.is_work_due(db)


def post_due(engine: Engine, receiver: Receiver) -> int:
    """Hand over a batch of due reminders, then post a batch of waiting handovers.

    Returns the number of handovers that it has tried to post.
    """
    with engine.begin() as db:
        claimed = hand_over.claim(db, at_most=BATCH)
        reminder_posts.enqueue(db, [handover.handover_id for handover in claimed])
    with engine.begin() as db:
        posts = reminder_posts.acquire(db, limit=BATCH)
    for post in posts:
        with structlog.contextvars.bound_contextvars(handover_id=str(post.handover_id)):
            execute(engine, DeliveryJob, partial(DeliveryJob, engine, receiver, post))
    return len(posts)
