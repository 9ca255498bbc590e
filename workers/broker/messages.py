"""Messages: hints that a step of a run is due. They carry ids and nothing else; the row in Postgres is the truth."""

import math
from enum import StrEnum

import redis
import structlog
from dramatiq import Broker, Message

from db.runs import StepRef
from domain.runs import Phase

log = structlog.get_logger(__name__)

#: Longer waits are left to the sweeper: Dramatiq keeps delayed messages in a worker's memory.
LONGEST_DELAY_SECONDS = 15 * 60


class Queue(StrEnum):
    """Work that waits for Zoho, and work that waits for Postgres only: one never stands in the other's way."""

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


def send_step(broker: Broker, step: StepRef, *, delay_seconds: float = 0) -> None:
    """Tells the workers that a step is due. A message that cannot be sent is no loss: the sweeper sends it later."""
    if step.phase is Phase.DONE or delay_seconds > LONGEST_DELAY_SECONDS:
        return
    actor_name, queue_name = ACTORS[step.phase]
    message: Message[None] = Message(
        queue_name=queue_name, actor_name=actor_name, args=(str(step.run_id), step.step), kwargs={}, options={}
    )
    try:
        broker.enqueue(message, delay=math.ceil(delay_seconds * 1000) or None)
    except redis.RedisError:
        log.warning(
            "Redis is away: the sweeper will send this step again",
            action="step.not_sent",
            run_id=str(step.run_id),
            step=step.step,
        )
