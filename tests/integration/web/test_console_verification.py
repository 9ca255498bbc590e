"""A verification from the console: it runs in the background, and its findings stay on the page."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.underway import eventually
from tests.integration.chain.bench import Bench
from tests.integration.web.connection_pages import Database, act, actions, connected, flash_in
from tests.integration.web.console_browser import CONSOLE_PASSWORD, ConsoleBrowser, running_console, token_in
from workers.services import activity
from workers.services.activity import ActionInterruptedError, ActionStoppedError
from workers.services.verify import Verification
from workers.web.app import app
from workers.web.console import long_actions


@pytest.fixture
def runner(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, simulator: SandboxControl
) -> Iterator[asyncio.Runner]:
    """A web process that calls the simulator."""
    simulator.restart(contacts=30, invoices=40, requests_per_minute=1000)
    monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
    zoho = {"ZOHO_API_URL": simulator.url, "ZOHO_ACCOUNTS_URL": simulator.url}
    client = {"ZOHO_CLIENT_ID": CLIENT_ID, "ZOHO_CLIENT_SECRET": CLIENT_SECRET}
    with running_console(monkeypatch, database_url=database_url, redis_url=redis_url, **zoho, **client) as running:
        yield running


@pytest.mark.slow
def test_the_differences_are_a_table_and_stay(
    olga: ConsoleBrowser, simulator: SandboxControl, database: Database, engine: Engine
) -> None:
    bench = Bench.connected(replace(app.state.resources, engine=engine), simulator)
    bench.sync()
    gone = database.execute(
        "DELETE FROM invoices_cache WHERE id IN (SELECT id FROM invoices_cache WHERE id NOT IN"
        " (SELECT invoice_id FROM reminders) LIMIT 1) RETURNING zoho_invoice_id"
    ).fetchone()
    assert gone is not None
    page = f"/connections/{bench.connection_id}"

    assert flash_in(act(olga, page, "verify")) in {"1 record differs from Zoho.", "It goes on in the background."}
    eventually(lambda: "1 record differs" in olga.get(page).text)

    text = olga.get(page).text
    assert f"Invoices, missing: <code>{gone[0]}</code>" in text
    eventually(lambda: actions(database) == [("olga", "verify", "done")])


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Each verification waits for the API budget. The list has the errors that have ended one."""
    ended: list[BaseException] = []

    def wait(verification: Verification) -> None:
        try:
            verification._attempts.on_wait(600, "the API budget")
            verification._attempts.sleep(600)
        except BaseException as error:
            ended.append(error)
            raise

    monkeypatch.setattr(Verification, "run", wait)
    monkeypatch.setattr(activity, "_LONGEST_SLEEP_SECONDS", 0.05)
    monkeypatch.setattr(long_actions, "PATIENCE_SECONDS", 1.0)
    yield ended
    app.state.long_actions.stopping.set()


@pytest.mark.slow
def test_one_verification_of_a_connection_runs_at_a_time_and_can_be_stopped(
    olga: ConsoleBrowser, database: Database, waiting: list[BaseException]
) -> None:
    page = connected(database)
    act(olga, page, "verify")
    eventually(lambda: "It waits: the API budget (600 s)" in olga.get(page).text)
    assert "is being verified already" in flash_in(act(olga, page, "verify"))

    (address,) = re.findall(r'action="[./]+(/activity/[0-9a-f-]+)/stop"', olga.get(page).text)
    assert "It waits: the API budget" in olga.get(address).text
    olga.post(f"{address}/stop", csrf_token=olga.token(page))
    assert "ends within seconds" in flash_in(olga.get(address))

    eventually(lambda: [type(error) for error in waiting] == [ActionStoppedError])
    assert "was stopped by olga" in " ".join(olga.get(page).text.split())
    eventually(lambda: ("olga", "verify", "stopped") in actions(database))
    olga.post(f"{address}/stop", csrf_token=olga.token(page))
    assert "It has ended already" in flash_in(olga.get(address))


@pytest.mark.slow
def test_the_end_of_the_process_interrupts_a_verification(
    olga: ConsoleBrowser, database: Database, waiting: list[BaseException]
) -> None:
    page = connected(database)
    act(olga, page, "verify")
    app.state.long_actions.stopping.set()
    eventually(lambda: "because its process has ended" in olga.get(page).text)
    assert [type(error) for error in waiting] == [ActionInterruptedError]


def test_a_verification_without_a_sign_of_life_was_interrupted(ana: ConsoleBrowser, database: Database) -> None:
    page = connected(database)
    database.execute(
        "WITH begun AS (INSERT INTO booksync.operator_actions (operator, action, renewed_at)"
        " VALUES ('olga', 'verify', now() - interval '2 minutes') RETURNING id)"
        " INSERT INTO booksync.verifications (connection_id, action_id)"
        " SELECT connection.id, begun.id FROM booksync.zoho_connections AS connection, begun"
    )
    assert "because its process has ended" in ana.get(page).text


def test_the_findings_outlast_the_recorded_action(ana: ConsoleBrowser, database: Database) -> None:
    page = connected(database)
    database.execute(
        "INSERT INTO booksync.verifications (connection_id, action_id, findings, found_at) SELECT id,"
        ' gen_random_uuid(), \'{"drift": 0, "persons_compared": true, "entities": []}\', now()'
        " FROM booksync.zoho_connections"
    )
    assert "The cache equals Zoho" in ana.get(page).text


def test_a_viewer_may_not_verify(ana: ConsoleBrowser, database: Database) -> None:
    page = connected(database)
    token = token_in(ana.get(page))
    assert ana.post(f"{page}/verify", csrf_token=token).status_code == 403
