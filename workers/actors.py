"""The actors: one a kind of step, each named after what it does. Their messages carry (run id, step) only."""

from dramatiq import actor

from workers.broker.messages import Queue
from workers.process import resources
from workers.sync import contacts, customers, deletions, invoices, persons, reminders, start
from workers.sync.take import take


@actor(queue_name=Queue.DATABASE)
def start_sync(run_id: str, step: int) -> None:
    take(resources(), run_id, step, start.start_sync)


@actor(queue_name=Queue.API)
def fetch_contact_persons(run_id: str, step: int) -> None:
    take(resources(), run_id, step, persons.fetch_contact_persons)


@actor(queue_name=Queue.API)
def fetch_contacts_page(run_id: str, step: int) -> None:
    take(resources(), run_id, step, contacts.fetch_contacts_page)


@actor(queue_name=Queue.DATABASE)
def upsert_customers(run_id: str, step: int) -> None:
    take(resources(), run_id, step, customers.upsert_customers)


@actor(queue_name=Queue.API)
def sync_invoices_page(run_id: str, step: int) -> None:
    take(resources(), run_id, step, invoices.sync_invoices_page)


@actor(queue_name=Queue.API)
def confirm_deletions(run_id: str, step: int) -> None:
    take(resources(), run_id, step, deletions.confirm_deletions)


@actor(queue_name=Queue.DATABASE)
def create_reminders(run_id: str, step: int) -> None:
    take(resources(), run_id, step, reminders.create_reminders)
