"""Messages: hints that a step of a run is due. They carry ids and nothing else; the row in Postgres is the truth."""

import math
from enum import StrEnum

import redis
import structlog
from dramatiq import Broker, Message
from dramatiq.common import current_millis
from dramatiq.errors import BrokerConnectionError

from db.runs import StepRef
from db.webhook_events import Due
from domain.runs import Phase
from domain.webhooks import Entity
from workers.redis_access import refusal_of

log = structlog.get_logger(__name__)

#: Longer waits are left to the sweeper: Dramatiq keeps delayed messages in a worker's memory.
LONGEST_DELAY_SECONDS = 15 * 60

#: A message that has waited for so long is no hint any more.
LONGEST_AGE_SECONDS = 7 * 24 * 60 * 60

#: What a broker raises where Redis refuses a message; a worker's broker has turned it into its own error.
NOT_SENT = (redis.RedisError, BrokerConnectionError)

#: The option of a message that a person has sent again: the number of its dead letter.
LETTER_OPTION = "dead_letter"


class Queue(StrEnum):
    """Work that waits for Zoho, and work that waits for Postgres only: one never stands in the other's way."""

    INTERACTIVE = "interactive"  #: one record that somebody has just changed: ahead of all other work
    API = "api"
    DATABASE = "database"


#: The actor of each phase's steps, and its queue.
ACTORS: dict[Phase, tuple[str, Queue]] = {
    Phase.START: ("start_sync", Queue.DATABASE),
    Phase.PERSONS: ("fetch_contact_persons", Queue.API),
    Phase.CONTACTS: ("fetch_contacts_page", Queue.API),
    Phase.CUSTOMERS: ("upsert_customers", Queue.DATABASE),
    Phase.GONE_CUSTOMERS: ("confirm_deletions", Queue.API),
    Phase.INVOICES: ("sync_invoices_page", Queue.API),
    Phase.GONE_INVOICES: ("confirm_deletions", Queue.API),
    Phase.REMINDERS: ("create_reminders", Queue.DATABASE),
}

#: The actor that fetches a record which a webhook has told of.
RESYNC_ACTORS: dict[Entity, tuple[str, Queue]] = {
    Entity.CONTACT: ("resync_contact", Queue.INTERACTIVE),
    Entity.INVOICE: ("resync_invoice", Queue.INTERACTIVE),
}


def ready_messages(client: redis.Redis, queue: Queue) -> int:
    """How many messages of a queue no worker has fetched yet; delayed ones are not among them."""
    return int(client.llen(f"dramatiq:{queue}"))


def delayed_messages(client: redis.Redis, queue: Queue) -> int:
    """How many messages of a queue are to come later and no worker has fetched yet."""
    return int(client.llen(f"dramatiq:{queue}.DQ"))


def send_step(broker: Broker, step: StepRef, *, delay_seconds: float = 0) -> None:
    """Tells the workers that a step is due. A message that cannot be sent is no loss: the sweeper sends it later."""
    if step.phase is Phase.DONE or delay_seconds > LONGEST_DELAY_SECONDS:
        return
    try:
        _enqueue(broker, ACTORS[step.phase], (str(step.run_id), step.step), delay_seconds)
    except NOT_SENT as error:
        log.warning(
            "Redis refused the message: the sweeper will send this step again",
            action="step.not_sent",
            error=_reason(error),
            run_id=str(step.run_id),
            step=step.step,
        )


def send_resync(broker: Broker, due: Due) -> None:
    """Tells the workers of a record that is to be fetched. What cannot be sent is sent later, by the sweeper."""
    if due.seconds > LONGEST_DELAY_SECONDS:
        return
    ref = due.ref
    try:
        _enqueue(broker, RESYNC_ACTORS[ref.entity], (str(ref.connection_id), ref.record_id), due.seconds)
    except NOT_SENT as error:
        log.warning(
            "Redis refused the message: the sweeper will send this record again",
            action="resync.not_sent",
            error=_reason(error),
            connection_id=str(ref.connection_id),
            entity=ref.entity,
            record_id=ref.record_id,
        )


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BrokerConnectionError) else str(refusal_of(error))


def _enqueue(broker: Broker, actor: tuple[str, Queue], arguments: tuple[object, ...], delay_seconds: float) -> None:
    actor_name, queue_name = actor
    delay_ms = math.ceil(delay_seconds * 1000)
    message: Message[None] = Message(
        queue_name=queue_name,
        actor_name=actor_name,
        args=arguments,
        kwargs={},
        options={},
        # Its age is counted from when it is due: Dramatiq forgets the delay once that is over.
        message_timestamp=current_millis() + delay_ms,
    )
    broker.enqueue(message, delay=delay_ms or None)
