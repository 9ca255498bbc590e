"""A booksync connection whose webhooks the test sends and whose messages the test processes."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from dramatiq import Message

from db import webhook_secrets
from db.secrets import Place, SecretName
from domain.entities import CUSTOMER, INVOICE, Entity, entity_named
from domain.webhooks import EventKind
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row
from tests.truth import record_differences
from tests.webhooks import signed_json
from workers.boot.resources import Resources
from workers.services.kept_counts import KeptCounts
from workers.sync.one_record import refresh
from workers.sync.refreshes import Refresh, refresh_record
from workers.web.app import app

DETAIL_CALLS = {CUSTOMER: CallKind.CONTACT, INVOICE: CallKind.INVOICE}


@dataclass(frozen=True)
class Request:
    """A request to the web application."""

    path: str
    content: Any
    headers: Mapping[str, str]
    method: str = "POST"


def post(
    resources: Resources, path: str, content: Any, headers: Mapping[str, str], *, method: str = "POST"
) -> httpx.Response:
    """Sends one request to the web application with these resources, and returns after its background work is done."""
    (response,) = ask_all(resources, [Request(path, content, headers, method)])
    return response


def ask_all(resources: Resources, requests: Iterable[Request]) -> list[httpx.Response]:
    """Like `post`, for requests that follow one another."""

    async def ask() -> list[httpx.Response]:
        app.state.resources = resources
        app.state.counts = KeptCounts(resources)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return [
                await client.request(
                    each.method, f"http://booksync{each.path}", content=each.content, headers=dict(each.headers)
                )
                for each in requests
            ]

    return asyncio.run(ask())


@dataclass(frozen=True)
class Hooks:
    """One connection, its secret, and the simulator's records."""

    bench: Bench

    @property
    def path(self) -> str:
        return f"/webhooks/zoho/{self.bench.connection_id}"

    @property
    def secret(self) -> str:
        with self.bench.resources.engine.connect() as db:
            stored = webhook_secrets.find(db, self.bench.connection_id)
        assert stored is not None
        return self.bench.resources.vault.decrypt(
            stored.current, Place(SecretName.WEBHOOK_SECRET, self.bench.connection_id)
        )

    def send(self, document: Any, **query: str) -> httpx.Response:
        body, headers = signed_json(self.secret, document, **query)
        path = str(httpx.URL(self.path, params=query)) if query else self.path
        return post(self.bench.resources, path, body, headers)

    def tell(self, entity: Entity, record_id: str, modified_at: str = "", **query: str) -> None:
        """Sends an event in the shortest form that Zoho may use."""
        record = {f"{entity.name}_id": record_id, "last_modified_time": modified_at}
        assert self.send({entity.name: record}, **query).status_code == 202

    def tell_all(self, entity: Entity, record_ids: Iterable[str]) -> None:
        """Sends an event of each record in the shortest form that Zoho may use."""
        secret = self.secret
        documents = ({entity.name: {f"{entity.name}_id": each, "last_modified_time": ""}} for each in record_ids)
        requests = [Request(self.path, *signed_json(secret, document)) for document in documents]
        assert {response.status_code for response in ask_all(self.bench.resources, requests)} == {202}

    def tell_of(self, entity: Entity, record_id: str) -> None:
        """Sends an event with the whole current record."""
        assert self.send({entity.name: self.record(entity, record_id)}).status_code == 202

    def record(self, entity: Entity, record_id: str) -> Row:
        """The record in the simulator."""
        for record in self.bench.zoho.snapshot()[f"{entity.name}s"]:
            if record[f"{entity.name}_id"] == record_id:
                return dict(record)
        raise KeyError(record_id)

    def messages(self, queue: str = "interactive") -> list[Message[Any]]:
        """The messages sent since the last call."""
        key = f"dramatiq:{queue}.msgs"
        found = [Message.decode(stored) for stored in self.bench.resources.redis.hvals(key)]  # type: ignore[arg-type]
        self.bench.resources.redis.delete(key)
        return found

    def take(self, entity: Entity, record_id: str, *, do: Refresh = refresh) -> None:
        """Processes a record's message as a worker does."""
        refresh_record(self.bench.resources, str(self.bench.connection_id), entity, record_id, do=do)

    def work(self) -> int:
        """Processes all messages, delayed ones without their delay, until none is left; returns their number."""
        done = 0
        while found := self.messages() + self.messages("interactive.DQ"):
            self.skip_waiting()
            for message in found:
                refresh_record(
                    self.bench.resources,
                    message.args[0],
                    entity_named(message.actor_name.removeprefix("resync_")),
                    message.args[1],
                )
                done += 1
        return done

    def skip_waiting(self) -> None:
        self.bench.rows(
            "UPDATE booksync.refreshes SET not_before = now() "
            "WHERE received > handled OR has_failed RETURNING record_id"
        )

    def lose_messages(self) -> None:
        """Removes the sent messages, and makes their records overdue."""
        self.messages()
        self.bench.rows(
            "UPDATE booksync.refreshes "
            "SET not_before = now() - interval '1 hour', sent_at = sent_at - interval '1 hour' "
            "RETURNING record_id"
        )

    def events(self) -> list[Row]:
        return self.bench.rows("SELECT * FROM booksync.webhook_events ORDER BY id")

    def outcomes(self) -> list[str | None]:
        """The outcomes of Zoho's own events, without those that booksync adds for a gone customer's invoices."""
        return [event["outcome"] for event in self.events() if event["kind"] != EventKind.ORPHANED]

    def resync_row(self) -> Row:
        (row,) = self.bench.rows("SELECT *, not_before - now() AS wait FROM booksync.refreshes")
        return row

    def calls(self, entity: Entity) -> int:
        """The number of detail calls since the last reset."""
        return self.bench.zoho.stats().count(DETAIL_CALLS[entity])

    def differences(self) -> list[str]:
        url = self.bench.resources.settings.database_url.get_secret_value()
        with psycopg.connect(url, autocommit=True) as database:
            return record_differences(self.bench.zoho.snapshot(), database, self.bench.connection_id)


def a_contact_id(hooks: Hooks) -> str:
    """The id of a customer with persons."""
    return next(
        str(contact["contact_id"])
        for contact in hooks.bench.zoho.snapshot()["contacts"]
        if contact["contact_type"] == "customer" and contact["contact_persons"]
    )


def an_invoice_id(hooks: Hooks) -> str:
    return str(hooks.bench.zoho.snapshot()["invoices"][0]["invoice_id"])
