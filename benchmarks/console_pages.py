"""The console's pages of a large installation, each as a browser's request to the web process."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urljoin

import httpx
from sqlalchemy import text

from db.connections import Connection
from db.session import Session

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_NEXT = re.compile(r'href="([^"]+)" rel="next"')

#: The query for the id of the first small connection.
_SMALL = "SELECT id FROM booksync.zoho_connections WHERE organization_id = '70000001'"

_WORDS = ("bergenhol", "berkalun zim", "be", "b", "gmbh", "office77@", "office", "0301000", "030 10000777", "WAIT-77")


@dataclass(frozen=True)
class Page:
    """A page that is opened by its address or, with a `form`, by sending this form to it."""

    name: str
    address: str
    form: Mapping[str, str] = field(default_factory=dict)


class Browser:
    """A browser in a console session of the web process at this URL."""

    def __init__(self, url: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60)
        self._tokens: dict[str, str] = {}
        self.open(Page("sign-in", "/sign-in", {"name": "", "password": password}))

    def open(self, page: Page) -> str:
        """Return the page's HTML. Raises RuntimeError for another status than 200 or the 303 after a sign-in."""
        if page.form and page.address not in self._tokens:
            found = _TOKEN.search(self._client.get(page.address).text)
            assert found is not None
            self._tokens[page.address] = found[1]
        response = (
            self._client.post(page.address, data={"csrf_token": self._tokens[page.address], **page.form})
            if page.form
            else self._client.get(page.address)
        )
        if response.status_code not in {200, 303}:
            raise RuntimeError(f"{page.name}: HTTP status {response.status_code}")
        return response.text

    def next_page(self, page: Page) -> Page | None:
        """Return the page that continues the list on this one."""
        found = _NEXT.search(self.open(page))
        return Page(f"{page.name}, second page", urljoin(page.address, unescape(found[1]))) if found else None


def pages(db: Session, large: Connection, invoices: int) -> Iterator[Page]:
    """Yield the pages of the installation that `fill` and `fill_lists` have written."""
    one, of = f"connections/{large.connection_id}", f"connection={large.connection_id}"
    yield Page("overview", "/")
    yield Page("overview: those that need you", "/?state=needs-you")
    yield Page("overview: search", "/", {"words": "organisation 777"})
    yield Page("connection, large", f"/{one}")
    yield Page("connection, small", f"/connections/{_id(db, _SMALL)}")
    yield Page("policy", f"/{one}/policy")
    yield from _customers(db, of, invoices)
    yield from _invoices(db, of, large)
    yield from _calls(of)
    yield Page("dead letters", "/dead-letters")
    letter = _id(db, "SELECT id FROM booksync.dead_letters LIMIT 1")
    group = _id(db, "SELECT fingerprint FROM booksync.dead_letters LIMIT 1")
    yield Page("dead letters of a group", f"/dead-letters?group={group}")
    yield Page("a dead letter", f"/dead-letters/{letter}")
    yield Page("deletions", "/deletions")
    yield Page("activity", "/activity")
    yield Page("activity of one connection", f"/activity?{of}")


def _customers(db: Session, of: str, invoices: int) -> Iterator[Page]:
    middle = _id(
        db, "SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = :given", str(10_000_000 + invoices // 7)
    )
    yield Page("customers", f"/customers?{of}")
    yield Page("customers, in the middle", f"/customers?{of}&after={middle}")
    yield Page("a customer", f"/customers/{middle}")
    for words in (*_WORDS, f"INV-{invoices // 2:07}"):
        yield Page(f"search: {words}", "/customers", {"search": words})


def _invoices(db: Session, of: str, large: Connection) -> Iterator[Page]:
    late = """
        SELECT id FROM invoices_cache WHERE connection_id = :given AND plan_outcome = 'no_phone'
         ORDER BY due_date DESC, id DESC OFFSET 500 LIMIT 1
    """
    without = _id(db, late, large.connection_id)
    planned = _id(db, "SELECT invoice_id FROM reminders WHERE scheduled_at < now() LIMIT 1")
    yield Page("invoices: reasons", f"/invoices?{of}")
    yield Page("invoices: a reason", f"/invoices?{of}&reason=no_phone")
    yield Page("invoices: a reason, a late page", f"/invoices?{of}&reason=no_phone&after={without}")
    yield Page("invoices: waiting", f"/invoices?{of}&reason=customer_missing")
    yield Page("an invoice without a reminder", f"/invoices/{without}")
    yield Page("an invoice with a reminder", f"/invoices/{planned}")


def _calls(of: str) -> Iterator[Page]:
    for name, address in (
        ("calendar", "calls"),
        ("queue", "calls/queue"),
        ("queue: claimable", "calls/queue?reason=claimable"),
        ("doubtful numbers", "calls/numbers"),
        ("shared numbers", "calls/numbers?list=shared"),
        ("numbers of an assumed country", "calls/numbers?list=assumed"),
        ("confirmed numbers", "calls/numbers/confirmed"),
        ("do-not-call list", "calls/do-not-call"),
        ("outcomes", "calls/outcomes"),
    ):
        yield Page(f"calls: {name}", f"/{address}")
        yield Page(f"calls: {name}, one connection", f"/{address}{'&' if '?' in address else '?'}{of}")


def _id(db: Session, statement: str, given: object = None) -> str:
    return str(db.execute(text(statement), {"given": given} if given is not None else {}).scalar_one())
