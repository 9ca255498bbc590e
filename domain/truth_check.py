"""The truth check: every night, a few records are read by their ids and compared with the cache, column by column."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any, Self, TypeVar

from domain.drift import CUSTOMER_COLUMNS, INVOICE_COLUMNS, INVOICE_FACTS
from domain.entities import CUSTOMER, INVOICE, Entity

#: The detail calls of one truth check.
RECORDS = 20

#: The shortest time between two truth checks of a connection. Less than a day, because a check may end late in the
#: night.
INTERVAL = timedelta(hours=18)

#: A record that was observed within this time needs no truth check.
RECENT = timedelta(hours=12)

#: The columns that a truth check compares. A column derived from others is reported only if no other column differs.
CHECKED_COLUMNS: Mapping[Entity, Sequence[str]] = {
    CUSTOMER: (
        *CUSTOMER_COLUMNS,
        "contact_persons",
        "country_code",
        "address_state",
        "address_postcode",
        "payment_reminder_enabled",
        "unused_credits",
        "credits_currency",
        "zoho_last_modified_at",
    ),
    INVOICE: (*INVOICE_COLUMNS, "customer_id", *INVOICE_FACTS, "zoho_last_modified_at"),
}

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True)
class TruthCheck:
    """The findings of a truth check: ids and names of columns, never a value."""

    asked: int = 0  #: detail calls, including those without a usable response
    checked: int = 0  #: records that could be compared
    #: Column → number of records that differ in it: {"customers.primary_phone": 2}.
    drifted: Mapping[str, int] = field(default_factory=dict)
    customers: tuple[str, ...] = ()  #: Zoho's ids of the customers that differ
    invoices: tuple[str, ...] = ()  #: Zoho's ids of the invoices that differ

    @property
    def different(self) -> int:
        """The number of records that differ in at least one column."""
        return len(self.customers) + len(self.invoices)

    @property
    def left(self) -> int:
        """The number of detail calls that the truth check may still make."""
        return max(0, RECORDS - self.asked)

    def after(self, entity: Entity, record_id: str, columns: Sequence[str] | None) -> Self:
        """The truth check after one more call: `columns` have drifted; None if the record was not compared."""
        asked = replace(self, asked=self.asked + 1)
        if columns is None:
            return asked
        compared = replace(asked, checked=self.checked + 1)
        if not columns:
            return compared
        drifted = Counter(self.drifted)
        drifted.update(f"{entity.plural}.{column}" for column in columns)
        compared = replace(compared, drifted=dict(drifted))
        if entity is CUSTOMER:
            return replace(compared, customers=(*self.customers, record_id))
        return replace(compared, invoices=(*self.invoices, record_id))

    def to_json(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "checked": self.checked,
            "drifted": dict(self.drifted),
            "customers": list(self.customers),
            "invoices": list(self.invoices),
        }

    @classmethod
    def from_json(cls, json: dict[str, Any]) -> Self:
        return cls(
            asked=json.get("asked", 0),
            checked=json.get("checked", 0),
            drifted=json.get("drifted", {}),
            customers=tuple(json.get("customers", ())),
            invoices=tuple(json.get("invoices", ())),
        )


def in_turn(customers: Iterable[RecordT], invoices: Iterable[RecordT], limit: int) -> Sequence[RecordT]:
    """At most `limit` records for a truth check, customers and invoices alternately.

    If one kind has too few records, further records of the other kind are taken.
    """
    both = chain.from_iterable(zip_longest(customers, invoices))
    return [each for each in both if each is not None][:limit]


def is_due(last_checked_at: datetime | None, now: datetime) -> bool:
    """Whether enough time has passed since the connection's last truth check for another one."""
    return last_checked_at is None or now - last_checked_at >= INTERVAL
