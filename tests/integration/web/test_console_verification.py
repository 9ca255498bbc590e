"""A verification from the console: it runs in the background, and its findings stay on the page."""

import asyncio
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
from workers.services.verify import Verification
from workers.web.app import app


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

    assert "The verification has begun" in flash_in(act(olga, page, "verify"))
    eventually(lambda: "1 record differs" in olga.get(page).text)

    text = olga.get(page).text
    assert f"Invoices, missing: <code>{gone[0]}</code>" in text
    assert actions(database) == [("olga", "verify", "done")]


def test_one_verification_of_a_connection_runs_at_a_time_and_can_be_stopped(
    olga: ConsoleBrowser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = connected(database)
    ended: list[bool] = []

    def wait(verification: Verification) -> None:
        try:
            verification._attempts.on_wait(600, "the API budget")
            verification._attempts.sleep(600)
        finally:
            ended.append(True)

    monkeypatch.setattr(Verification, "run", wait)
    monkeypatch.setattr("workers.services.background_verification._LONGEST_SLEEP_SECONDS", 0.05)
    act(olga, page, "verify")
    eventually(lambda: "It waits: the API budget (600 s)" in olga.get(page).text)
    assert "is being verified already" in flash_in(act(olga, page, "verify"))

    assert "ends within seconds" in flash_in(act(olga, page, "verify/stop"))

    eventually(lambda: bool(ended))
    assert "The last verification was stopped" in " ".join(olga.get(page).text.split())


def test_a_verification_without_a_sign_of_life_was_interrupted(ana: ConsoleBrowser, database: Database) -> None:
    page = connected(database)
    database.execute(
        "INSERT INTO booksync.verifications (connection_id, verification_id, renewed_at)"
        " SELECT id, gen_random_uuid(), now() - interval '2 minutes' FROM booksync.zoho_connections"
    )
    assert "because its process has ended" in ana.get(page).text


def test_a_viewer_may_not_verify(ana: ConsoleBrowser, database: Database) -> None:
    page = connected(database)
    token = token_in(ana.get(page))
    assert ana.post(f"{page}/verify", csrf_token=token).status_code == 403
    assert ana.post(f"{page}/verify/stop", csrf_token=token).status_code == 403
