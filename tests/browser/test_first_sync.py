"""From an empty installation to the synced organisations that a user has chosen in a browser."""

import uuid
from collections.abc import Callable

import psycopg
from playwright.sync_api import expect

from sandbox.zoho.control import SandboxControl
from tests.browser.visits import Visit, link_for
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation
from tests.end_to_end.underway import eventually
from tests.truth import differences


def test_the_chosen_organisations_sync_and_the_other_one_stays_unconnected(
    installation: Installation, new_visit: Callable[[], Visit]
) -> None:
    for program in (SCHEDULER, WORKER):
        installation.start(*program)
    first, _, third = installation.zoho.organization_ids()
    visit = new_visit()
    visit.consent(link_for(installation, str(uuid.uuid4())))
    visit.reads("Choose organisations")
    expect(visit.page.get_by_role("checkbox")).to_have_count(3)
    expect(visit.page.get_by_role("checkbox", checked=True)).to_have_count(0)
    visit.choose(first, third)
    visit.reads("Connected")
    expect(visit.page.get_by_role("heading", level=2)).to_have_count(2)

    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        eventually(lambda: len(synced(database)) == 2)
        for organization_id, connection_id in synced(database):
            with SandboxControl(installation.zoho.url, organization_id) as books:
                assert differences(books.snapshot(), database, connection_id) == []
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
