"""Records for which Zoho returns 404: their reminders stop, and the open invoices of a gone customer are refreshed."""

from db import orphaned_invoices
from db.session import Session
from domain.entities import CUSTOMER, Entity
from workers.services import mark_deleted
from workers.sync.asking import Asking


def note_gone(db: Session, work: Asking, entity: Entity, record_id: str, *, reads_all_invoices: bool = False) -> None:
    """Record the 404 of the last response; the open invoices of a gone customer are refreshed after the work.

    When Zoho merges two contacts, Zoho deletes one of them and gives this contact's invoices to the other, sometimes
    without changing the invoices' stamps. An incremental run would not find such invoices.

    With `reads_all_invoices` no invoices are refreshed, because the run reads the whole list of invoices later. If the
    run cannot read that list, `Work.advance` requests the invoices.
    """
    mark_deleted.note_gone(db, work.connection, entity, record_id, observed_at=work.observed_at, now=work.now)
    if entity is CUSTOMER and not reads_all_invoices:
        work.following += orphaned_invoices.ask_again(db, work.connection, record_id)
