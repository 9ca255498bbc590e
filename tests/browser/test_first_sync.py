"""From the start page of an empty installation to two synced organisations."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.control import SandboxControl
from tests.browser.conftest import new_installation
from tests.browser.furnishing import PASSWORD, run
from tests.browser.visits import Visit, Way
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation
from tests.end_to_end.underway import eventually
from tests.truth import differences

pytestmark = pytest.mark.slow


@pytest.fixture
def installation(
    chromium: Browser,  # Without a browser nothing else is started.
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    simulator: SandboxControl,
    return_url: str,
    tmp_path: Path,
) -> Iterator[Installation]:
    """An empty installation for each test, with a worker and a scheduler; ana is an operator."""
    with new_installation(postgres, valkey, simulator, return_url, tmp_path) as installed:
        for program in (SCHEDULER, WORKER):
            installed.start(*program)
        run(installed, "operators", "add", "ana", "--role", "operator", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD)
        yield installed


def test_two_chosen_organisations_sync_and_the_other_one_stays_unconnected(
    installation: Installation, new_visit: Callable[..., Visit], way: Way
) -> None:
    first, _, third = installation.zoho.organization_ids()
    visit = new_visit(way)
    page = visit.page
    visit.sign_in(installation.environment["PUBLIC_URL"], "ana", PASSWORD)
    expect(page.get_by_text("No connection exists yet")).to_be_visible()
    visit.fits("start")
    visit.follow("Connect your first organisation")
    visit.reads("Connect Zoho Books")
    expect(page.get_by_label("User")).not_to_have_value("")  # a suggestion
    visit.press("Make a link")
    visit.reads("Link to connect")
    visit.follow("Open the link in this browser")
    visit.accept()
    visit.reads("Choose organisations")
    expect(page.get_by_role("checkbox")).to_have_count(3)
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    visit.fits("choice of organisations")
    visit.choose(first, third)
    visit.reads("Connected")
    expect(page.get_by_role("heading", level=2)).to_have_count(2)
    visit.follow("Back to the console")
    visit.reads("booksync")

    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        eventually(lambda: len(synced(database)) == 2)
        for organization_id, connection_id in synced(database):
            with SandboxControl(installation.zoho.url, organization_id) as books:
                assert differences(books.snapshot(), database, connection_id) == []
    page.reload()
    for organization_id in (first, third):
        expect(page.get_by_role("heading", level=3).filter(has_text=organization_id)).to_contain_text("active")
    expect(page.get_by_role("img", name="1 succeeded")).to_have_count(2)
    visit.fits("two connections")
    shown = installation.run("status", "--json").json["connections"]
    assert {each["organization_id"] for each in shown} == {first, third}
    assert all(each["cached"]["customers"] > 0 for each in shown)


def synced(database: psycopg.Connection) -> list[tuple[str, str]]:
    """The organisations whose first sync has succeeded, with their connections."""
    found = database.execute(
        "SELECT organization_id, connection.id::text FROM booksync.zoho_connections AS connection"
        " JOIN booksync.sync_runs AS run ON run.connection_id = connection.id WHERE run.status = 'succeeded'"
    )
    return [(str(organization_id), str(connection_id)) for organization_id, connection_id in found]
