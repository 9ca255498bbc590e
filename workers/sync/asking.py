"""What every claimed piece of work asks Zoho with, be it a run's step or one record: link, clients, clocks."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from db.connections import Link
from domain.contacts import Contact
from domain.invoices import Invoice
from domain.lists import SetAside
from domain.time_zones import zone_named
from workers.boot.resources import Resources
from workers.observability.logs import describe
from workers.zoho import ZohoContactsClient, ZohoInvoicesClient, ZohoTransport
from workers.zoho.errors import RecordUnreadable


class Asking(ABC):
    """One connection's data, for as long as the work on it lasts; `taken_at` is when it was claimed, by Postgres."""

    def __init__(self, resources: Resources, *, taken_at: datetime) -> None:
        self.resources = resources
        self._taken_at = taken_at
        self._began = time.monotonic()

    @cached_property
    @abstractmethod
    def link(self) -> Link: ...

    @cached_property
    @abstractmethod
    def transport(self) -> ZohoTransport: ...

    @property
    def calls(self) -> int:
        """API calls that were made."""
        return self.transport.calls if "transport" in self.__dict__ else 0

    @property
    def contacts_client(self) -> ZohoContactsClient:
        return ZohoContactsClient(self.transport, zone=zone_named(self.link.time_zone))

    @property
    def invoices_client(self) -> ZohoInvoicesClient:
        return ZohoInvoicesClient(self.transport, zone=zone_named(self.link.time_zone))

    def ask_contact(self, contact_id: str) -> Contact | SetAside | None:
        """One detail call: the contact, None where Zoho has it no longer, or why it cannot be understood.

        Raises:
            BudgetWait, ZohoError: see `ZohoContactsClient.get_contact_by_id`.
        """
        try:
            return self.contacts_client.get_contact_by_id(contact_id)
        except RecordUnreadable as error:
            return SetAside(contact_id, describe(error))

    def ask_invoice(self, invoice_id: str) -> Invoice | SetAside | None:
        """As `ask_contact`."""
        try:
            return self.invoices_client.get_invoice_by_id(invoice_id)
        except RecordUnreadable as error:
            return SetAside(invoice_id, describe(error))

    @property
    def observed_at(self) -> datetime:
        """The server's time of the last answer."""
        assert self.transport.server_time is not None, "asked after an answer"
        return self.transport.server_time

    @property
    def now(self) -> datetime:
        """The present by Postgres's clock: hosts differ, and what one plans for now is due for every other."""
        return self._taken_at + timedelta(seconds=time.monotonic() - self._began)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction. What was read is written, and the claim moved on, in the same one, or neither is."""
        with self.resources.engine.begin() as connection:
            yield connection
