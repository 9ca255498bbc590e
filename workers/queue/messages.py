"""Messages: hints that a step of a run is due. Messages carry only ids; the run's row in Postgres has every fact."""

import math
from enum import StrEnum

import redis
import structlog
from dramatiq import Broker, Message
from dramatiq.common import current_millis
from dramatiq.errors import BrokerConnectionError

from db.runs import StepRef
from db.webhook_events import Due
from domain.entities import Entity, entities
from domain.runs import Phase
from workers.redis_access import refusal_of

log = structlog.get_logger(__name__)

#: Longer waits are left to the sweeper, because Dramatiq keeps delayed messages in a worker's memory.
LONGEST_DELAY_SECONDS = 15 * 60

#: The age above which a message is not a useful hint any more.
LONGEST_AGE_SECONDS = 7 * 24 * 60 * 60

#: The errors of a broker if Redis refuses a message; a worker's broker translates them into its own error.
NOT_SENT = (redis.RedisError, BrokerConnectionError)

#: The option of a message that a person has sent again: the number of the message's dead letter.
DEAD_LETTER_OPTION = "dead_letter"


class Queue(StrEnum):
    """The queues: work for Zoho and work for Postgres only are separate, so that neither kind blocks the other."""

    INTERACTIVE = "interactive"  #: the refresh of one record that a person has just changed; precedes all other work
    API = "api"
    DATABASE = "database"


#: Phase → the actor of its steps, and the actor's queue.
ACTORS: dict[Phase, tuple[str, Queue]] = {
    Phase.START: ("start_sync", Queue.DATABASE),
    Phase.PERSONS: ("fetch_contact_persons", Queue.API),
    Phase.CONTACTS: ("fetch_contacts_page", Queue.API),
    Phase.CUSTOMERS: ("upsert_customers", Queue.DATABASE),
    Phase.GONE_CUSTOMERS: ("confirm_deletions", Queue.API),
    Phase.INVOICES: ("sync_invoices_page", Queue.API),
    Phase.GONE_INVOICES: ("confirm_deletions", Queue.API),
    Phase.RECORDS: ("sync_records_page", Queue.API),
    Phase.GONE_RECORDS: ("confirm_deletions", Queue.API),
    Phase.REMINDERS: ("create_reminders", Queue.DATABASE),
}


def refresh_actor(entity: Entity) -> tuple[str, Queue]:
    """The actor that refreshes a record of that entity, and its queue."""
    return f"resync_{entity.name}", Queue.INTERACTIVE


def refresh_actors() -> set[str]:
    """The names of the actors that refresh records.

    When such an actor returns, its work may not be done: the refresh may be deferred, or left to another message.
    """
    return {refresh_actor(entity)[0] for entity in entities()}


def ready_messages(client: redis.Redis, queue: Queue) -> int:
    """The number of messages in a queue that no worker has fetched yet, without delayed messages."""
    return int(client.llen(f"dramatiq:{queue}"))


def delayed_messages(client: redis.Redis, queue: Queue) -> int:
    """The number of delayed messages in a queue that no worker has fetched yet."""
    return int(client.llen(f"dramatiq:{queue}.DQ"))


def send_step(broker: Broker, step: StepRef, *, delay_seconds: float = 0) -> None:
    """Send the message of a due run step. If Redis refuses the message, the sweeper sends it later."""
    if step.phase is Phase.DONE or delay_seconds > LONGEST_DELAY_SECONDS:
        return
    try:
        _enqueue(broker, ACTORS[step.phase], (str(step.run_id), step.step), delay_seconds)
    except NOT_SENT as error:
        log.warning(
            "Redis refused the message of a run step; the scheduler will send the message again",
            action="step.not_sent",
            error=_reason(error),
            run_id=str(step.run_id),
            step=step.step,
        )


def send_refresh(broker: Broker, due: Due) -> None:
    """Send the message of a record that must be refreshed. If Redis refuses the message, the sweeper sends it later."""
    if due.seconds > LONGEST_DELAY_SECONDS:
        return
    ref = due.ref
    try:
        _enqueue(broker, refresh_actor(ref.entity), (str(ref.connection_id), ref.record_id), due.seconds)
    except NOT_SENT as error:
        log.warning(
            "Redis refused the message of a record's refresh; the scheduler will send the message again",
            action="refresh.not_sent",
            error=_reason(error),
            connection_id=str(ref.connection_id),
            entity=ref.entity.name,
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
        # Dramatiq forgets a message's delay once it is over, so the age is counted from the due time.
        message_timestamp=current_millis() + delay_ms,
    )
    broker.enqueue(message, delay=delay_ms or None)
