"""Promises of the reports of a flood: `booksync status` and the console show its records and the start of the wait."""

import asyncio
import base64
import json
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from domain.entities import CUSTOMER
from domain.floods import FLOOD
from tests.integration.webhooks.flooding import MANY, contact_ids, mass_edit, quiet_comes, run_that_is_due
from tests.integration.webhooks.hooks import Hooks
from workers.cli.app import app as command
from workers.services.kept_counts import KeptCounts
from workers.web.app import app as web
from workers.web.console.password_check import PasswordCheck

SENTENCE = re.compile(
    rf"{MANY} changed records wait for a run, the first since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC: "
    r"the next run reads them\. "
    r"Those that it cannot prove wait for the next full run\."
)
PASSWORD = "a-long-password"


def status(hooks: Hooks) -> tuple[str, Any]:
    """The text of `status`, and `flood` of its JSON."""
    words = CliRunner().invoke(command, ["status", str(hooks.bench.connection_id)])
    (line,) = CliRunner().invoke(command, ["status", "--json"]).stdout.splitlines()
    return " ".join(words.stdout.split()), json.loads(line)["connections"][0]["flood"]


def console(hooks: Hooks) -> str:
    settings = hooks.bench.resources.settings.model_copy(update={"console_password": SecretStr(PASSWORD)})

    async def ask() -> httpx.Response:
        web.state.resources = replace(hooks.bench.resources, settings=settings)
        web.state.password_check = PasswordCheck(SecretStr(PASSWORD))
        web.state.counts = KeptCounts(hooks.bench.resources)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web)) as client:
            credentials = base64.b64encode(f"booksync:{PASSWORD}".encode()).decode()
            return await client.get("http://booksync/", headers={"Authorization": f"Basic {credentials}"})

    return " ".join(asyncio.run(ask()).text.split())


@pytest.fixture
def flooded(hooks: Hooks) -> Hooks:
    mass_edit(hooks, contact_ids(hooks, MANY))
    return hooks


@pytest.mark.slow
def test_status_counts_the_records_and_shows_since_when_they_wait(flooded: Hooks) -> None:
    words, flood = status(flooded)
    (row,) = flooded.bench.rows("SELECT min(waiting_since) AS since FROM booksync.refreshes")
    assert SENTENCE.search(words)
    assert flood == {"waiting": MANY, "since": row["since"].isoformat()}


def test_the_console_shows_the_same_sentence(flooded: Hooks) -> None:
    assert SENTENCE.search(console(flooded))


def test_few_records_do_not_count_as_a_flood(hooks: Hooks) -> None:
    mass_edit(hooks, contact_ids(hooks, FLOOD))
    words, flood = status(hooks)
    assert ("at once" in words, flood) == (False, None)
    assert "at once" not in console(hooks)


@pytest.mark.slow
def test_status_shows_no_flood_after_the_run(flooded: Hooks) -> None:
    quiet_comes(flooded)
    assert run_that_is_due(flooded) == "incremental"
    assert status(flooded)[1] is None


def test_a_single_removal_does_not_count_as_a_flood(hooks: Hooks) -> None:
    (contact_id,) = contact_ids(hooks, 1)
    hooks.tell(CUSTOMER, contact_id, event="deleted")
    assert status(hooks)[1] is None
