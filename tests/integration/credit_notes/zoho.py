"""How credit notes are read from Zoho's JSON."""

from datetime import tzinfo

from domain.lists import Rejected
from tests.integration.credit_notes.record import CreditNote
from workers.zoho.entities import ZohoRecords
from workers.zoho.fields import Amount, Moment, OptionalId, RecordId, SoftText, Word
from workers.zoho.records import parse_row
from workers.zoho.rows import Row


class CreditNoteRow(Row):
    creditnote_id: RecordId
    customer_id: OptionalId = ""
    creditnote_number: SoftText = ""
    status: Word = ""
    total: Amount = None
    balance: Amount = None
    last_modified_time: Moment = None


def credit_note_from(record: object, *, zone: tzinfo | None = None) -> CreditNote | Rejected:
    """A credit note of the list or of a detail response, which have the same keys."""
    row = parse_row(record, CreditNoteRow, "creditnote_id", zone)
    if isinstance(row, Rejected):
        return row
    return CreditNote(
        credit_note_id=row.creditnote_id,
        customer_id=row.customer_id,
        number=row.creditnote_number,
        status=row.status,
        total=row.total,
        balance=row.balance,
        modified_at=row.last_modified_time,
    )


CREDIT_NOTES = ZohoRecords("/creditnotes", "creditnotes", "creditnote", credit_note_from, credit_note_from)
