"""Records as they were read, with the time of the response."""

from dataclasses import dataclass
from datetime import datetime

from domain.contacts import Contact
from domain.invoices import Invoice
from domain.versions import Version, version_of


@dataclass(frozen=True, slots=True)
class Observed:
    """A contact and the server's time of the earliest response that it was built from."""

    contact: Contact
    observed_at: datetime

    @property
    def version(self) -> Version:
        return version_of(self.contact.modified_at, self.observed_at)


@dataclass(frozen=True, slots=True)
class ObservedInvoice:
    """An invoice and the server's time of its response."""

    invoice: Invoice
    observed_at: datetime

    @property
    def version(self) -> Version:
        return version_of(self.invoice.modified_at, self.observed_at)
