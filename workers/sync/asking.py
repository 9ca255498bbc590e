"""What leased work needs to call Zoho, in run steps and refreshes: the connection, the clients and the clocks."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any, ClassVar

from db.connections import Connection
from db.session import Session
from db.webhook_events import Due
from domain.contacts import Contact
from domain.entities import CUSTOMER, INVOICE, Entity
from domain.invoices import Invoice
from domain.lists import Rejected
from domain.time_zones import zone_named
from workers.boot.resources import Resources
from workers.observability.logs import describe
from workers.zoho import ZohoTransport
from workers.zoho.entities import records_of
from workers.zoho.errors import RecordUnreadable


class Asking(ABC):
    """What leased work on one connection uses. `leased_at` is the time of the lease by Postgres's clock."""

    _TRANSPORTS: ClassVar[Sequence[str]] = ("transport",)  #: the names of cached properties

    def __init__(self, resources: Resources, *, leased_at: datetime) -> None:
        self.resources = resources
        self.following: list[Due] = []  #: further records to refresh because of this work; sent after its end
        self._leased_at = leased_at
        self._began = time.monotonic()

    @cached_property
    @abstractmethod
    def connection(self) -> Connection: ...

    @cached_property
    @abstractmethod
    def transport(self) -> ZohoTransport: ...

    @property
    def calls(self) -> int:
        """The number of API calls that this work has made so far."""
        return sum(transport.calls for transport in self._transports_made)

    @property
    def _transports_made(self) -> list[ZohoTransport]:
        return [self.__dict__[name] for name in self._TRANSPORTS if name in self.__dict__]

    @property
    def zone(self) -> tzinfo:
        """The organisation's time zone."""
        return zone_named(self.connection.time_zone)

    def ask(self, entity: Entity, record_id: str) -> Any | Rejected | None:
        """Read one record by a detail call.

        Returns the record, None if Zoho has deleted it, or the reason why the record is rejected.

        Raises:
            BudgetWait, ZohoError: see `workers.zoho.entities.ZohoRecords.record`.
        """
        try:
            return records_of(entity).record(self.transport, record_id, self.zone)
        except RecordUnreadable as error:
            return Rejected(record_id, describe(error))

    def ask_contact(self, contact_id: str) -> Contact | Rejected | None:
        return self.ask(CUSTOMER, contact_id)

    def ask_invoice(self, invoice_id: str) -> Invoice | Rejected | None:
        return self.ask(INVOICE, invoice_id)

    @property
    def observed_at(self) -> datetime:
        """The server's time of the last response; the present time if no call was made.

        Zoho cannot have a record with certain ids, such as one that another application has made. No call asks for it.
        """
        return self.transport.server_time or self.now

    @property
    def now(self) -> datetime:
        """The present time by Postgres's clock, because hosts' clocks differ and workers must agree on due times."""
        return self._leased_at + timedelta(seconds=time.monotonic() - self._began)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction for the rows that Zoho returned and for the progress of the leased work.

        Rows and progress are both written, or neither is.
        """
        with self.resources.engine.begin() as db:
            yield db
