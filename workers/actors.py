"""The actors, one for each kind of step and each kind of record. Messages to actors carry ids only.

The phase that a step ends with decides which actor does the next one: `workers.queue.messages.ACTORS`. A step's message
has the arguments (run id, step). A refresh's message has (connection id, record id).
"""

from dramatiq import actor

from domain.entities import Entity, entities
from workers.boot.process import resources, thread_shares
from workers.queue.arguments import check_record, check_step
from workers.queue.messages import Queue, refresh_actor
from workers.sync import contacts, customers, deletions, further_records, invoices, persons, reminders, start
from workers.sync.fair_refreshes import refresh_fairly
from workers.sync.run_steps import Step, run_step

#: The priority of a refresh's message. Dramatiq processes the lowest number first and run steps have 0, so a worker
#: processes a refresh before the run steps that it has prefetched.
_FIRST = -1


@actor(queue_name=Queue.DATABASE)
def start_sync(run_id: str, step: int) -> None:
    _take(run_id, step, start.start_sync)


@actor(queue_name=Queue.API)
def fetch_contact_persons(run_id: str, step: int) -> None:
    _take(run_id, step, persons.fetch_contact_persons)


@actor(queue_name=Queue.API)
def fetch_contacts_page(run_id: str, step: int) -> None:
    _take(run_id, step, contacts.fetch_contacts_page)


@actor(queue_name=Queue.DATABASE)
def upsert_customers(run_id: str, step: int) -> None:
    _take(run_id, step, customers.upsert_customers)


@actor(queue_name=Queue.API)
def sync_invoices_page(run_id: str, step: int) -> None:
    _take(run_id, step, invoices.sync_invoices_page)


@actor(queue_name=Queue.API)
def sync_records_page(run_id: str, step: int) -> None:
    _take(run_id, step, further_records.sync_records_page)


@actor(queue_name=Queue.API)
def confirm_deletions(run_id: str, step: int) -> None:
    _take(run_id, step, deletions.confirm_deletions)


@actor(queue_name=Queue.DATABASE)
def create_reminders(run_id: str, step: int) -> None:
    _take(run_id, step, reminders.create_reminders)


def _take(run_id: str, step: int, do: Step) -> None:
    check_step(run_id, step)
    run_step(resources(), run_id, step, do)


def declare_refresh(entity: Entity) -> None:
    """Declare the actor that refreshes the records of an entity."""
    name, queue = refresh_actor(entity)

    def refresh(connection_id: str, record_id: str) -> None:
        check_record(connection_id, record_id)
        refresh_fairly(resources(), thread_shares(), connection_id, entity, record_id)

    actor(actor_name=name, queue_name=queue, priority=_FIRST)(refresh)


for _entity in entities():
    declare_refresh(_entity)
