"""A storm of webhooks as Zoho may send them: versions of many records, duplicated and shuffled, while workers die."""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from sandbox.servers.ports import free_port
from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import WORKER, Installation, kill
from tests.end_to_end.underway import UnderWay, eventually
from tests.end_to_end.web import start_web
from tests.truth import record_differences
from tests.webhooks import signed_json

#: The shares of the events that are sent twice, and that are sent out of order.
DOUBLED, SHUFFLED = 0.2, 0.2

#: The shares of the records that are created and deleted: too few deletions to look like an error.
NEW, DELETED = 0.1, 0.01

_AT_ONCE = 8
_BATCH = 500


@dataclass(frozen=True)
class Web:
    """The web process at the address that Zoho calls for one connection."""

    url: str
    secret: str

    @classmethod
    def started(cls, installation: Installation, connected: Mapping[str, Any]) -> "Web":
        origin = start_web(installation, free_port())
        return cls(f"{origin}{connected['webhook_url']}", str(connected["webhook_secret"]))

    def send(self, documents: Sequence[Any], *, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        """Send several documents at once; each must be accepted. The callback gets the number of accepted documents."""
        with httpx.Client(trust_env=False, timeout=30) as http, ThreadPoolExecutor(_AT_ONCE) as threads:

            def send(document: Any) -> int:
                body, headers = signed_json(self.secret, document)
                return http.post(self.url, content=body, headers=headers).status_code

            for number, status in enumerate(threads.map(send, documents), start=1):
                assert status == 202, f"the web process returned {status}"
                meanwhile(number)


@dataclass(frozen=True)
class Chosen:
    """Existing records that the storm changes."""

    zoho: SandboxControl
    contacts: Sequence[int]
    invoices: Sequence[int]

    @classmethod
    def of(cls, zoho: SandboxControl, records: int) -> "Chosen":
        snapshot = zoho.snapshot()
        contacts = [int(each["contact_id"]) for each in snapshot["contacts"] if each["contact_type"] == "customer"]
        invoices = [int(each["invoice_id"]) for each in snapshot["invoices"]]
        chosen = cls(zoho, contacts[: records // 2], invoices[: records - len(contacts[: records // 2])])
        assert len(chosen.contacts) + len(chosen.invoices) == records, "the simulator has too few"
        return chosen

    def changed(self, version: int) -> list[Any]:
        """Change each record, and return an event with its present content."""
        mutations: list[ask.Mutation] = [
            ask.EditContact(contact_id=each, fields=ask.ContactFields(contact_name=f"Version {version}"))
            for each in self.contacts
        ]
        mutations += [
            ask.EditInvoice(invoice_id=each, fields=ask.InvoiceFields(total=Decimal(100 + version)))
            for each in self.invoices
        ]
        self._make(mutations)
        return self._told(self.contacts, self.invoices)

    def created(self, count: int) -> list[Any]:
        """Create `count` records, half contacts and half invoices, of new and existing customers in turn."""
        person = ask.PersonFields(first_name="Ada", mobile="+44 7912 345678")
        made = self._make([ask.CreateContact(persons=(person,)) for _ in range(count // 2)])
        contacts = [int(each["contact_id"]) for each in made]
        owners = [each for pair in zip(contacts, self.contacts, strict=False) for each in pair]
        made = self._make([ask.CreateInvoice(customer_id=each) for each in owners[: count - count // 2]])
        return self._told(contacts, [int(each["invoice_id"]) for each in made])

    def deleted(self, count: int) -> list[Any]:
        """Delete `count` records of both kinds; the invoices of deleted contacts remain, as in Zoho."""
        contacts, invoices = self.contacts[-(count // 2) :], self.invoices[: count - count // 2]
        self._make([ask.DeleteContact(contact_id=each) for each in contacts])
        self._make([ask.DeleteInvoice(invoice_id=each) for each in invoices])
        return [
            {"event_type": f"{entity}_deleted", entity: {f"{entity}_id": str(each)}}
            for entity, ids in (("contact", contacts), ("invoice", invoices))
            for each in ids
        ]

    def _make(self, mutations: Sequence[ask.Mutation]) -> list[dict[str, Any]]:
        batches = (mutations[first : first + _BATCH] for first in range(0, len(mutations), _BATCH))
        return [made for batch in batches for made in self.zoho.mutate(*batch)]

    def _told(self, contacts: Sequence[int], invoices: Sequence[int]) -> list[Any]:
        """An event for each record, with its whole present content."""
        snapshot = self.zoho.snapshot()
        return [
            {entity: record}
            for entity, ids in (("contact", set(contacts)), ("invoice", set(invoices)))
            for record in snapshot[f"{entity}s"]
            if int(record[f"{entity}_id"]) in ids
        ]


def disturbed(events: Sequence[Any], chance: random.Random, *, doubled: float = DOUBLED) -> list[Any]:
    """The events in a disturbed form: some are duplicated, and some are at another position."""
    sent = [*events, *chance.sample(events, round(len(events) * doubled))]
    places = chance.sample(range(len(sent)), round(len(sent) * SHUFFLED))
    moved = chance.sample(places, len(places))
    disturbed = list(sent)
    for place, other in zip(places, moved, strict=True):
        disturbed[place] = sent[other]
    return disturbed


def detail_calls(zoho: SandboxControl) -> int:
    stats = zoho.stats()
    return stats.count(CallKind.CONTACT) + stats.count(CallKind.INVOICE)


@dataclass(frozen=True)
class Aftermath:
    """The result of a storm: the number of calls, and the differences between the cache and Zoho."""

    events: int
    records: int
    calls: int  #: detail calls, from webhooks or from the run
    pages: int  #: of lists, read by the run
    run: tuple[str, str | None]  #: the status and error of the last run
    differences: Sequence[str]


@dataclass
class Killer:
    """Kills one of two workers at each of these numbers of events, and starts another one in its place."""

    installation: Installation
    moments: set[int]
    chance: random.Random
    sent: int = 0

    def __post_init__(self) -> None:
        self._workers = self.installation.processes[:2]

    def __call__(self, _: int) -> None:
        self.sent += 1
        if self.sent in self.moments:
            kill(self._workers.pop(self.chance.randrange(len(self._workers))))
            self._workers.append(self.installation.start(*WORKER))


def weather(
    under_way: UnderWay, *, records: int, kills: int, chance: random.Random, beside_a_run: bool = True
) -> Aftermath:
    """Send a storm to a synced connection while workers are killed; returns when no event waits.

    Most records already have two newer versions before the first event is sent. In the middle a full run may be
    started;
    while it reads the lists, records are created and deleted. Each record must end as in Zoho, whether the run or an
    event
    reads it first.
    """
    installation, zoho = under_way.installation, under_way.zoho
    connected = installation.connect().json
    connection_id = connected["connection_id"]
    synced = installation.run("sync", connection_id, "--full", "--wait", "--json")
    assert synced.code == 0, synced.stderr
    web = Web.started(installation, connected)
    created = round(records * NEW)
    chosen = Chosen.of(zoho, records - created)
    events = disturbed([event for version in (1, 2) for event in chosen.changed(version)], chance)
    killer = Killer(installation, set(chance.sample(range(1, len(events)), kills)), chance)
    zoho.reset_stats()

    half = len(events) // 2
    web.send(events[:half], meanwhile=killer)
    if beside_a_run:
        ordered = installation.run("sync", connection_id, "--full", "--json")
        assert ordered.code == 0, ordered.stderr
    news = disturbed([*chosen.created(created), *chosen.deleted(round(records * DELETED))], chance)
    rest = disturbed([*events[half:], *news], chance, doubled=0)
    web.send(rest, meanwhile=killer)

    eventually(
        lambda: under_way.look("SELECT count(*) FROM booksync.refreshes WHERE received > handled") == [(0,)], 300
    )
    eventually(lambda: under_way.status(connection_id)[0] != "running", 300)
    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        left = record_differences(zoho.snapshot(), database, connection_id)
    calls = detail_calls(zoho)
    pages = zoho.stats().count() - calls
    return Aftermath(half + len(rest), records, calls, pages, under_way.status(connection_id), left)
