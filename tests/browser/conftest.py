"""Chromium, and an installation with a web process and a Zoho login that has three organisations."""

import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, sync_playwright

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.servers.ports import free_port
from sandbox.zoho.control import SandboxControl
from tests.browser.host_application import running_host_application
from tests.browser.visits import Visit
from tests.end_to_end.installation import Installation, settings_for
from tests.end_to_end.web import start_web
from tests.programs import needed_program

#: Browsers resolve names below localhost to this machine. To them these names are other sites than the simulator's
#: 127.0.0.1, as Zoho's site is.
BOOKSYNC_HOST = "booksync.localhost"


# Not for the session: Playwright leaves its event loop running in this thread, and `asyncio.run` of other tests fails.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = needed_program("chromium", "google-chrome")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program) as running:
        yield running


@pytest.fixture(scope="package")
def return_url() -> Iterator[str]:
    """The address of a host application's page, to which browsers may go back."""
    with running_host_application() as address:
        yield address


@pytest.fixture(scope="module")
def installation(
    chromium: Browser,  # Without a browser nothing else is started.
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    simulator: SandboxControl,
    return_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """An installation that was empty before `booksync migrate`, with a web process."""
    simulator.restart(contacts=40, invoices=80, organizations=3)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    name, port = f"browser_{uuid.uuid4().hex}", free_port()
    environment = settings_for(
        postgres.create_database(name), valkey.url, simulator.url, Fernet.generate_key().decode()
    ) | {"PUBLIC_URL": f"http://{BOOKSYNC_HOST}:{port}", "CONNECT_RETURN_URLS": return_url}
    installed = Installation(environment, tmp_path_factory.mktemp("browser"), simulator)
    try:
        migrated = installed.run("migrate")
        assert migrated.code == 0, migrated.stderr
        start_web(installed, port)
        yield installed
    finally:
        installed.stop()
        postgres.drop_database(name)


@pytest.fixture
def new_visit(chromium: Browser) -> Iterator[Callable[[], Visit]]:
    """Opens a browser window without cookies; at the end of the test no page in it may have had an error."""
    visits: list[Visit] = []

    def new() -> Visit:
        visits.append(Visit(chromium.new_context().new_page()))
        return visits[-1]

    yield new
    for visit in visits:
        visit.page.context.close()
    assert [problem for visit in visits for problem in visit.problems] == []
