"""A web process that connects users to a simulator with three organisations, and a user's link and browser."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.control import SandboxControl
from tests.integration.environment import environment_of_a_process
from tests.integration.web.connecting.connect_browser import HOST_APPLICATION, PUBLIC_URL, Browser
from workers.boot.resources import open_resources
from workers.services.connect_links import ConnectLink, address_of


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    simulator.restart(contacts=1, invoices=1, organizations=3)
    return simulator


@pytest.fixture(autouse=True)
def environment(
    zoho: SandboxControl, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    with environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url):
        for name, value in {
            "ZOHO_CLIENT_ID": CLIENT_ID,
            "ZOHO_CLIENT_SECRET": CLIENT_SECRET,
            "ZOHO_API_URL": zoho.url,
            "ZOHO_ACCOUNTS_URL": zoho.url,
            "PUBLIC_URL": PUBLIC_URL,
            "CONNECT_RETURN_URLS": HOST_APPLICATION,
        }.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def new_link() -> Callable[..., str]:
    def make(return_url: str | None = None, user_id: str | None = None) -> str:
        with open_resources("test") as resources:
            link = ConnectLink(user_id or str(uuid.uuid4()), return_url)
            return address_of(resources.settings, resources.vault, link)

    return make
