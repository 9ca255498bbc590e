"""`booksync doctor` over a synced connection; `--ask-zoho` spends one call for each connection."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.boot import settings
from workers.cli.app import app
from workers.services.doctor.ask_zoho import ask_zoho


def doctor(*options: str) -> dict[str, dict[str, Any]]:
    """The findings by name."""
    result = CliRunner().invoke(app, ["doctor", "--json", *options])
    return {each["name"]: each for each in json.loads(result.stdout.splitlines()[-1])["findings"]}


def calls(bench: Bench) -> int:
    return bench.zoho.stats().count()


def test_no_call_is_made_without_the_option(bench: Bench) -> None:
    before = calls(bench)
    doctor()
    assert calls(bench) == before


def test_one_call_tries_a_connection(bench: Bench) -> None:
    before = calls(bench)
    assert not {"zoho_refuses", "clock_zoho"} & doctor("--ask-zoho").keys()
    assert calls(bench) == before + 1


def test_zohos_clock_is_compared(bench: Bench) -> None:
    bench.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=600)
    assert doctor("--ask-zoho")["clock_zoho"]["what"] == "Zoho's clock is 10 min ahead of booksync's"


@pytest.mark.slow
def test_a_refused_client_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", "wrong")
    settings.settings.cache_clear()
    assert "ZOHO_CLIENT_SECRET" in doctor("--ask-zoho")["zoho_refuses"]["next_step"]


def test_a_revoked_grant_needs_a_new_one(bench: Bench) -> None:
    bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    (finding,) = ask_zoho(bench.resources)
    assert finding.next_step.startswith("booksync connect")


def test_an_outage_of_zoho_needs_another_try(bench: Bench) -> None:
    bench.zoho.fault(FaultName.ANSWER, kind=CallKind.ORGANIZATIONS, everywhere=True, status=500, code=1000)
    finding, *_ = ask_zoho(bench.resources)
    assert "repeat" in finding.next_step


def test_parked_connections_are_not_tried(bench: Bench) -> None:
    bench.rows("UPDATE booksync.zoho_connections SET status = 'parked' RETURNING id")
    before = calls(bench)
    assert list(ask_zoho(bench.resources)) == []
    assert calls(bench) == before


def test_the_doubtful_numbers_of_a_synced_connection_are_counted(synced: Bench) -> None:
    doubtful = doctor()["doubtful_numbers"]
    assert str(synced.connection_id) in doubtful["next_step"]
    assert "are owed by" in doubtful["what"]
