"""Records for which Zoho returns 404: their reminders stop, and the open invoices of a gone customer are refreshed."""

from collections.abc import Sequence

from db import orphaned_invoices
from db.session import Session
from db.webhook_events import Due
from domain.entities import CUSTOMER, Entity
from workers.services import mark_deleted
from workers.sync.asking import Asking


def note_gone(
    db: Session, work: Asking, entity: Entity, record_id: str, *, reads_all_invoices: bool = False
) -> Sequence[Due]:
    """Record the 404 of the last response; return the open invoices of a gone customer, which must be fetched.

    A merge deletes the losing contact and gives its invoices to the winner, sometimes without moving their stamps, so
    no incremental run would find the change. A run that `reads_all_invoices` after this point needs no calls for these
    invoices; if it cannot read them, `Work.advance` requests them.
    """
    mark_deleted.note_gone(db, work.connection, entity, record_id, observed_at=work.observed_at, now=work.now)
    if entity is not CUSTOMER or reads_all_invoices:
        return ()
    return orphaned_invoices.ask_again(db, work.connection, record_id)
