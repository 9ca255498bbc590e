"""Chromium, and an installation with a web process and a Zoho login that has three organisations."""

import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, expect, sync_playwright

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.servers.ports import free_port
from sandbox.zoho.control import SandboxControl
from tests.browser.furnishing import PASSWORD, synced_connection
from tests.browser.host_application import running_host_application
from tests.browser.office import Office
from tests.browser.screenshots import keep
from tests.browser.visits import Visit, Way
from tests.end_to_end.installation import Installation, settings_for
from tests.end_to_end.underway import PATIENCE_SECONDS
from tests.end_to_end.web import start_web
from tests.programs import needed_program

#: Browsers resolve names below localhost to this machine. To them these names are other sites than the simulator's
#: 127.0.0.1, as Zoho's site is.
_BOOKSYNC_HOST = "booksync.localhost"

_PATIENCE_MS = PATIENCE_SECONDS * 1000

#: The tests of a module together make more calls in a minute than Zoho allows.
_CALLS_A_MINUTE = 10_000

#: `make slow` goes each way once, with the mouse and JavaScript; the drill goes the others.
_WAYS = [Way.MOUSE, *(pytest.param(way, marks=pytest.mark.drill) for way in (Way.NO_SCRIPT, Way.KEYBOARD))]

#: Windows without the pages in which Chromium's address bar shows its suggestions. They take processor time at each
#: load and click. Chromium reads the last list alone, so Playwright's own features follow.
_WITHOUT = "--disable-features=" + ",".join(
    (
        "WebUIOmniboxPopup",
        "WebUIOmniboxAimPopup",
        "AimEnabled",
        "AvoidCorsURLLoaderRestartOnRedirect",
        "AvoidUnnecessaryBeforeUnloadCheckSync",
        "DestroyProfileOnBrowserClose",
        "HttpsFirstBalancedModeAutoEnable",
        "HttpsUpgrades",
        "LensOverlay",
        "MediaRouter",
        "NetworkTimeServiceQuerying",
        "OptimizationHints",
        "PaintHolding",
        "PreconnectToSearch",
        "ThirdPartyStoragePartitioning",
    )
)

_HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record that a test has failed, so that the screenshots of its windows are kept."""
    report = yield
    if report.failed:
        item.stash[_HAS_FAILED] = True
    return report


# Not for the session: Playwright leaves its event loop running in this thread, and `asyncio.run` of other tests fails.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = needed_program("chromium", "google-chrome")
    expect.set_options(timeout=_PATIENCE_MS)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=[_WITHOUT], timeout=_PATIENCE_MS) as running,
    ):
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
    with new_installation(postgres, valkey, simulator, return_url, tmp_path_factory.mktemp("browser")) as installed:
        yield installed


@contextmanager
def new_installation(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, simulator: SandboxControl, return_url: str, logs: Path
) -> Iterator[Installation]:
    """An empty installation with a web process, whose logs are in this folder."""
    simulator.restart(contacts=40, invoices=80, organizations=3, requests_per_minute=_CALLS_A_MINUTE)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    name, port = f"browser_{uuid.uuid4().hex}", free_port()
    environment = settings_for(
        postgres.create_database(name), valkey.url, simulator.url, Fernet.generate_key().decode()
    ) | {
        "PUBLIC_URL": f"http://{_BOOKSYNC_HOST}:{port}",
        "CONNECT_RETURN_URLS": return_url,
        "ZOHO_REQUESTS_PER_MINUTE": str(_CALLS_A_MINUTE),
    }
    installed = Installation(environment, logs, simulator)
    try:
        migrated = installed.run("migrate")
        assert migrated.code == 0, migrated.stderr
        start_web(installed, port)
        yield installed
    finally:
        installed.stop()
        postgres.drop_database(name)


@pytest.fixture(params=_WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """How the test's person goes through the pages."""
    found: Way = request.param
    return found


@pytest.fixture
def new_visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """Opens a browser window without cookies; at the end of the test no page in it may have had an error."""
    visits: list[Visit] = []

    def new(way: Way = Way.MOUSE) -> Visit:
        context = chromium.new_context(java_script_enabled=way is not Way.NO_SCRIPT)
        context.set_default_timeout(_PATIENCE_MS)
        visits.append(Visit(context.new_page(), way))
        return visits[-1]

    yield new
    for number, visit in enumerate(visits):
        if request.node.stash.get(_HAS_FAILED, False):
            keep(visit.page, f"failed {request.node.name} {number}")
        visit.page.context.close()
    assert [problem for visit in visits for problem in visit.problems] == []


@pytest.fixture(scope="module")
def connection_id(installation: Installation) -> str:
    return synced_connection(installation)


@pytest.fixture
def office(installation: Installation, connection_id: str, new_visit: Callable[..., Visit], way: Way) -> Office:
    visit = new_visit(way)
    if way is not Way.NO_SCRIPT:
        visit.page.clock.install()
    visit.sign_in(installation.environment["PUBLIC_URL"], "ana", PASSWORD)
    return Office(installation, connection_id, visit)
