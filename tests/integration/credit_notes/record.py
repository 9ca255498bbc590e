"""Credit notes, an entity of these tests only: what docs/adding-an-entity.md calls the record."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from domain.entities import CUSTOMER, Entity

CREDIT_NOTE = Entity("creditnote", "credit_note", depends_on=(CUSTOMER,))


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note as Zoho returns it, in the list and by its id."""

    credit_note_id: str
    customer_id: str
    number: str
    status: str
    total: Decimal | None
    balance: Decimal | None
    modified_at: dt.datetime | None

    @property
    def record_id(self) -> str:
        return self.credit_note_id
