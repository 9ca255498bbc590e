"""Records that Zoho answers 404 for: nobody is called about them, and a gone customer's invoices are asked for."""

from collections.abc import Sequence

from sqlalchemy import Connection

from db import deletions, orphaned_invoices
from db.webhook_events import Due
from domain.deletions import RecordKind
from workers.sync.asking import Asking


def note_gone(
    connection: Connection, work: Asking, kind: RecordKind, record_id: str, *, reads_all_invoices: bool = False
) -> Sequence[Due]:
    """Records the 404 of the last response; returns the open invoices of a gone customer, which are to be fetched.

    A merge deletes the losing contact and gives its invoices to the winner, sometimes without moving their stamps. No
    incremental run would notice. A run that `reads_all_invoices` after this one needs no call for them; if it cannot
    read them, `Work.advance` requests them.
    """
    deletions.note_gone(connection, work.link, kind, record_id, observed_at=work.observed_at, now=work.now)
    if kind is RecordKind.INVOICE or reads_all_invoices:
        return ()
    return orphaned_invoices.ask_again(connection, work.link, record_id)
