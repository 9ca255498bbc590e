"""The books that all tools of a comparison read, and edits of them."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName

#: The time between two syncs. It exceeds the overlap of two incremental reads.
_APART = timedelta(minutes=30)


@dataclass
class SharedBooks:
    """The simulator's books, whose clock advances without waiting."""

    zoho: SandboxControl
    contacts: int
    persons: int
    invoices: int
    _chance: random.Random = field(default_factory=lambda: random.Random(1))
    _ahead: timedelta = timedelta()

    @classmethod
    def of(cls, zoho: SandboxControl) -> "SharedBooks":
        books = zoho.snapshot()
        persons = sum(len(contact["contact_persons"]) for contact in books["contacts"])
        return cls(zoho, len(books["contacts"]), persons, len(books["invoices"]))

    @property
    def rows(self) -> int:
        return self.contacts + self.persons + self.invoices

    def __str__(self) -> str:
        return f"{self.contacts:,} contacts, {self.persons:,} persons, {self.invoices:,} invoices"

    def pass_time(self) -> None:
        """Advance the simulator's clock, so that the next sync does not read the last changes again."""
        self._ahead += _APART
        self.zoho.clear_faults()
        self.zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=self._ahead.total_seconds())

    def edit(self, count: int) -> None:
        """Advance the clock and edit random contacts within that time.

        Two thirds get another company name, one third another mobile number of their first person.
        """
        self.pass_time()
        contacts = [each for each in self.zoho.snapshot()["contacts"] if each["contact_persons"]]
        until = datetime.now(UTC) + self._ahead
        self.zoho.mutate(
            *(
                self._edit(number, contact, until - self._chance.uniform(0.05, 0.95) * _APART)
                for number, contact in enumerate(self._chance.sample(contacts, count))
            )
        )

    def _edit(self, number: int, contact: dict[str, object], at: datetime) -> ask.Mutation:
        if number % 3:
            name = ask.ContactFields(company_name=f"Renamed {self._chance.random()}")
            return ask.EditContact(at=at, contact_id=int(str(contact["contact_id"])), fields=name)
        person = contact["contact_persons"][0]  # type: ignore[index]
        mobile = ask.PersonFields(mobile=f"+1212555{self._chance.randrange(10_000):04}")
        return ask.EditPerson(at=at, contact_person_id=int(person["contact_person_id"]), fields=mobile)
