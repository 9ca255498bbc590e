"""Third-party clients of Zoho Books read the simulator as they read Zoho.

The hosts of `pyzohoapi` and `zohopy` are methods and properties of a class from which an application derives, so the
tests override them in a subclass.
"""

import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator

CONTACTS, INVOICES = 230, 410
"""More than one page of each, so the clients must follow `has_more_page`."""


def library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        assert "CI" not in os.environ, f"{name} is not installed: it comes with requirements-dev.txt"
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def simulator() -> Iterator[SandboxControl]:
    with running_simulator(contacts=CONTACTS, invoices=INVOICES) as zoho:
        zoho.set_limits(requests_per_minute=10_000, concurrency=10)
        yield zoho


@pytest.fixture
def zoho(simulator: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> SandboxControl:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # pyzohoapi uses the proxies of the environment.
    simulator.reset_stats()
    return simulator


@pytest.fixture
def truth(zoho: SandboxControl) -> dict[str, Any]:
    return zoho.snapshot()


def ids(records: list[dict[str, Any]], key: str) -> list[str]:
    return sorted(record[key] for record in records)


def active(truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The contacts that the list shows without `filter_by`."""
    return [contact for contact in truth["contacts"] if contact["status"] == "active"]


class TestPyzohoapi:
    @pytest.fixture
    def books(self, zoho: SandboxControl) -> Any:
        ZohoBooks: Any = library("pyzohoapi").ZohoBooks  # noqa: N806

        class Books(ZohoBooks):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(
                    zoho.organization_id,
                    client_id="sandbox-client",
                    client_secret="sandbox-secret",
                    refresh_token=zoho.refresh_token,
                    max_retries=1,
                )
                self._oauth = f"{zoho.url}/oauth/v2"

            def get_endpoint(self, region: str) -> str:  # noqa: ARG002
                return f"{zoho.url}/books/v3"

        return Books()

    @pytest.mark.slow
    def test_the_client_lists_every_page(self, books: Any, truth: dict[str, Any]) -> None:
        contacts, invoices = list(books.Contact().Iter(raw=True)), list(books.Invoice().Iter(raw=True))
        assert ids(contacts, "contact_id") == ids(active(truth), "contact_id")
        assert ids(invoices, "invoice_id") == ids(truth["invoices"], "invoice_id")

    @pytest.mark.slow
    def test_the_client_reads_one_record(self, books: Any, truth: dict[str, Any]) -> None:
        contact, invoice = truth["contacts"][0], truth["invoices"][0]
        assert books.Contact(contact["contact_id"]).contact_name == contact["contact_name"]
        assert books.Invoice(invoice["invoice_id"]).Number == invoice["invoice_number"]

    def test_writes_of_the_client_are_refused_and_counted(
        self, books: Any, zoho: SandboxControl, truth: dict[str, Any]
    ) -> None:
        contact = books.Contact(truth["contacts"][0]["contact_id"])
        contact.contact_name = "Overwritten"
        new = books.Contact()
        new.contact_name = "New"
        refused = library("pyzohoapi.exceptions").ZohoMethodNotAllowed
        for write in (contact.Update, contact.Delete, new.Create):
            with pytest.raises(refused):
                write()
        assert zoho.stats().writes == 3
        assert zoho.snapshot() == truth


class TestZohopy:
    @pytest.fixture
    def client(self, zoho: SandboxControl) -> Iterator[Any]:
        ZohoConfig: Any = library("zohopy").ZohoConfig  # noqa: N806

        class Config(ZohoConfig):  # type: ignore[misc]
            @property
            def accounts_url(self) -> str:
                return zoho.url

            @property
            def base_api_url(self) -> str:
                return zoho.url

        config = Config(
            _env_file=None,
            client_id="sandbox-client",
            client_secret="sandbox-secret",
            refresh_token=zoho.refresh_token,
            organization_id=zoho.organization_id,
            data_center="us",
            max_retries=0,
        )
        with library("zohopy").SyncZohoClient(config) as client:
            yield client

    def test_the_client_lists_every_page(self, client: Any, truth: dict[str, Any]) -> None:
        books = library("zohopy.products.books")
        contacts = books.contacts.Contacts(client).list_all(filter_by="Status.All")
        invoices = books.invoices.Invoices(client).list_all()
        found = [row for page in contacts for row in page["contacts"]]
        assert ids(found, "contact_id") == ids(truth["contacts"], "contact_id")
        found = [row for page in invoices for row in page["invoices"]]
        assert ids(found, "invoice_id") == ids(truth["invoices"], "invoice_id")

    def test_the_client_reads_one_record(self, client: Any, truth: dict[str, Any]) -> None:
        contact = truth["contacts"][0]
        assert (
            library("zohopy.products.books").contacts.Contacts(client).get(contact["contact_id"])["contact"] == contact
        )

    def test_writes_of_the_client_are_refused_and_counted(
        self, client: Any, zoho: SandboxControl, truth: dict[str, Any]
    ) -> None:
        contacts = library("zohopy.products.books").contacts.Contacts(client)
        contact_id = truth["contacts"][0]["contact_id"]
        writes: list[Callable[[], Any]] = [
            lambda: contacts.create({"contact_name": "New"}),
            lambda: contacts.update(contact_id, {"contact_name": "Overwritten"}),
            lambda: contacts.delete(contact_id),
            lambda: contacts.mark_inactive(contact_id),
        ]
        for write in writes:
            with pytest.raises(library("zohopy").ZohoAPIError) as refused:
                write()
            assert refused.value.status_code == 405
        assert zoho.stats().writes == 4
        assert zoho.snapshot() == truth

    def test_the_list_of_addresses_does_not_exist(self, client: Any) -> None:
        with pytest.raises(library("zohopy").ZohoAPIError) as refused:
            client.get("/books/v3/contacts/address")
        assert refused.value.status_code == 404
