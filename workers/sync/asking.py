"""The link, clients and clocks with which leased work calls Zoho, for run steps and refreshes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property

from db.connections import Connection
from db.session import Session
from domain.contacts import Contact
from domain.invoices import Invoice
from domain.lists import Rejected
from domain.time_zones import zone_named
from workers.boot.resources import Resources
from workers.observability.logs import describe
from workers.zoho import ZohoContactsClient, ZohoInvoicesClient, ZohoTransport
from workers.zoho.errors import RecordUnreadable


class Asking(ABC):
    """The data of one connection during the work on it; `leased_at` is the time of the lease by Postgres's clock."""

    def __init__(self, resources: Resources, *, leased_at: datetime) -> None:
        self.resources = resources
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
        """The number of API calls made so far."""
        return self.transport.calls if "transport" in self.__dict__ else 0

    @property
    def contacts_client(self) -> ZohoContactsClient:
        return ZohoContactsClient(self.transport, zone=zone_named(self.connection.time_zone))

    @property
    def invoices_client(self) -> ZohoInvoicesClient:
        return ZohoInvoicesClient(self.transport, zone=zone_named(self.connection.time_zone))

    def ask_contact(self, contact_id: str) -> Contact | Rejected | None:
        """One detail call: the contact, None if Zoho has deleted it, or the reason why the contact is rejected.

        Raises:
            BudgetWait, ZohoError: see `ZohoContactsClient.get_contact_by_id`.
        """
        try:
            return self.contacts_client.get_contact_by_id(contact_id)
        except RecordUnreadable as error:
            return Rejected(contact_id, describe(error))

    def ask_invoice(self, invoice_id: str) -> Invoice | Rejected | None:
        """As `ask_contact`."""
        try:
            return self.invoices_client.get_invoice_by_id(invoice_id)
        except RecordUnreadable as error:
            return Rejected(invoice_id, describe(error))

    @property
    def observed_at(self) -> datetime:
        """The server's time of the last response."""
        assert self.transport.server_time is not None, "read after a response"
        return self.transport.server_time

    @property
    def now(self) -> datetime:
        """The present time by Postgres's clock, because hosts' clocks differ and workers must agree on due times."""
        return self._leased_at + timedelta(seconds=time.monotonic() - self._began)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction. It writes the rows that were read and the progress of the lease together, or neither."""
        with self.resources.engine.begin() as db:
            yield db
