"""A storm of webhooks, as Zoho may send them: versions of many records, doubled and shuffled, while workers die."""

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
from tests.truth import record_differences
from tests.webhooks import signed_json

#: Of the events so many are sent twice, and so many at another time than their turn.
DOUBLED, SHUFFLED = 0.2, 0.2

_AT_ONCE = 8
_BATCH = 500


@dataclass(frozen=True)
class Web:
    """The web process, as Zoho reaches it for one connection."""

    url: str
    secret: str

    @classmethod
    def started(cls, installation: Installation, connected: Mapping[str, Any]) -> "Web":
        port = free_port()
        installation.start("uvicorn", "workers.web.app:app", "--host", "127.0.0.1", "--port", str(port))
        origin = f"http://127.0.0.1:{port}"
        eventually(lambda: _is_ready(origin))
        return cls(f"{origin}{connected['webhook_url']}", str(connected["webhook_secret"]))

    def send(self, documents: Sequence[Any], *, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        """Several at once; each must be accepted. `meanwhile` is told how many were."""
        with httpx.Client(trust_env=False, timeout=30) as http, ThreadPoolExecutor(_AT_ONCE) as threads:

            def send(document: Any) -> int:
                body, headers = signed_json(self.secret, document)
                return http.post(self.url, content=body, headers=headers).status_code

            for number, status in enumerate(threads.map(send, documents), start=1):
                assert status == 202
                meanwhile(number)


def _is_ready(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Storm:
    """What happened in Zoho, and the events of it in the order of their sending."""

    records: int
    documents: Sequence[Any]

    @classmethod
    def of(cls, zoho: SandboxControl, *, records: int, chance: random.Random) -> "Storm":
        """Two versions of each record, of which the first is over before the first event is sent; a few are deleted."""
        snapshot = zoho.snapshot()
        contacts = [int(each["contact_id"]) for each in snapshot["contacts"] if each["contact_type"] == "customer"]
        invoices = [int(each["invoice_id"]) for each in snapshot["invoices"]]
        chosen = Chosen(contacts[: records // 2], invoices[: records - len(contacts[: records // 2])])
        events = [event for version in (1, 2) for event in chosen.changed(zoho, version)]
        events += chosen.deleted(zoho, 4)
        return cls(len(chosen.contacts) + len(chosen.invoices), disturbed(events, chance))


@dataclass(frozen=True)
class Chosen:
    contacts: Sequence[int]
    invoices: Sequence[int]

    def changed(self, zoho: SandboxControl, version: int) -> list[Any]:
        """Each record changes; its event carries it as it is then."""
        mutations: list[ask.Mutation] = [
            ask.EditContact(contact_id=each, fields=ask.ContactFields(contact_name=f"Version {version}"))
            for each in self.contacts
        ]
        mutations += [
            ask.EditInvoice(invoice_id=each, fields=ask.InvoiceFields(total=Decimal(100 + version)))
            for each in self.invoices
        ]
        for first in range(0, len(mutations), _BATCH):
            zoho.mutate(*mutations[first : first + _BATCH])
        snapshot = zoho.snapshot()
        return [
            {entity: record}
            for entity, ids in (("contact", set(self.contacts)), ("invoice", set(self.invoices)))
            for record in snapshot[f"{entity}s"]
            if int(record[f"{entity}_id"]) in ids
        ]

    def deleted(self, zoho: SandboxControl, count: int) -> list[Any]:
        for each in self.invoices[:count]:
            zoho.delete_invoice(str(each))
        return [{"event_type": "invoice_deleted", "invoice": {"invoice_id": each}} for each in self.invoices[:count]]


def disturbed(events: Sequence[Any], chance: random.Random) -> list[Any]:
    """The events, some of them doubled, some of them at another's place."""
    sent = [*events, *chance.sample(events, round(len(events) * DOUBLED))]
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
    """What is left of a storm: the calls it cost, and where the cache differs from Zoho."""

    events: int
    records: int
    calls: int
    differences: Sequence[str]


def weather(under_way: UnderWay, *, records: int, kills: int, chance: random.Random) -> Aftermath:
    """Sends a storm to a connection that is synced, while workers are killed; returns when no event waits."""
    connected = under_way.installation.connect().json
    synced = under_way.installation.run("sync", connected["connection_id"], "--full", "--wait", "--json")
    assert synced.code == 0, synced.stderr
    web = Web.started(under_way.installation, connected)
    storm = Storm.of(under_way.zoho, records=records, chance=chance)
    workers = under_way.installation.processes[:2]
    moments = set(chance.sample(range(1, len(storm.documents)), kills))
    under_way.zoho.reset_stats()

    def kill_at_times(number: int) -> None:
        if number in moments:
            kill(workers.pop(chance.randrange(len(workers))))
            workers.append(under_way.installation.start(*WORKER))

    web.send(storm.documents, meanwhile=kill_at_times)
    eventually(lambda: under_way.look("SELECT count(*) FROM resyncs WHERE received > handled") == [(0,)], 300)
    with psycopg.connect(under_way.installation.environment["DATABASE_URL"], autocommit=True) as database:
        left = record_differences(under_way.zoho.snapshot(), database, connected["connection_id"])
    return Aftermath(len(storm.documents), storm.records, detail_calls(under_way.zoho), left)
