"""An installation that reaches Zoho only through a proxy that decrypts TLS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet

from sandbox.servers.ports import free_port
from sandbox.zoho.control import SandboxControl
from tests.egress import ACCOUNTS_HOST, API_HOST, Egress, an_egress
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.underway import eventually
from tests.end_to_end.web import start_web
from tests.integration.db.look import WITHOUT_COPIES

#: The password of the proxy, as it is and as it is in the setting.
PASSWORDS = ("p@ss:word/1", "p%40ss%3Aword%2F1")


@pytest.fixture
def egress(zoho: SandboxControl, tmp_path: Path) -> Iterator[Egress]:
    port = httpx.URL(zoho.url).port
    assert port is not None
    with an_egress(tmp_path, port) as running:
        yield running


@pytest.fixture
def behind_proxy(
    database_url: str, redis_url: str, zoho: SandboxControl, egress: Egress, tmp_path: Path
) -> Iterator[Installation]:
    environment = settings_for(database_url, redis_url, zoho.url, Fernet.generate_key().decode()) | {
        "ZOHO_API_URL": f"https://{API_HOST}",
        "ZOHO_ACCOUNTS_URL": f"https://{ACCOUNTS_HOST}",
        "ZOHO_PROXY_URL": egress.proxy.url,
        "ZOHO_CA_BUNDLE": str(egress.ca.bundle),
    }
    installed = Installation(environment, tmp_path, zoho)
    yield installed
    installed.stop()


@pytest.mark.slow
def test_a_whole_sync_goes_through_the_proxy_and_its_outage_parks_nothing(
    behind_proxy: Installation, egress: Egress, database: psycopg.Connection, tmp_path: Path
) -> None:
    without = behind_proxy.connect(ZOHO_CA_BUNDLE=None)
    assert without.code == 1
    assert "The TLS certificate is not trusted: if a proxy decrypts TLS, set ZOHO_CA_BUNDLE" in without.stderr

    connection_id = behind_proxy.connect().json["connection_id"]
    for program in (WORKER, SCHEDULER):
        behind_proxy.start(*program)
    start_web(behind_proxy, free_port())
    synced = behind_proxy.run("sync", connection_id, "--full", "--wait", "--json")
    assert (synced.code, synced.json["status"]) == (0, "succeeded")
    assert set(egress.proxy.targets) == {f"{API_HOST}:443", f"{ACCOUNTS_HOST}:443"}

    egress.proxy.refusal = b"407 Proxy Authentication Required"
    egress.drop_connections()
    database.execute(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now()")
    behind_proxy.run("sync", connection_id)
    reason = "The proxy of ZOHO_PROXY_URL does not accept booksync's user and password"
    eventually(lambda: reason in behind_proxy.run("doctor", "--json").stdout)
    shown = _shown_waiting(behind_proxy, connection_id, reason)
    eventually(lambda: reason in " ".join(behind_proxy.run("status", connection_id, COLUMNS="400").stdout.split()))
    assert shown["status"] == "active"
    asked = behind_proxy.run("doctor", "--ask-zoho", "--json").stdout
    assert reason in asked
    assert "ZOHO_CLIENT" not in asked

    egress.proxy.refusal = None
    eventually(lambda: _last_status(database) == "succeeded", patience_seconds=90)
    told = [log.read_text(encoding="utf-8", errors="replace") for log in tmp_path.glob("*.log")]
    assert not any(password in text for password in PASSWORDS for text in [asked, str(shown), *told])


def _shown_waiting(installation: Installation, connection_id: str, reason: str) -> dict[str, Any]:
    """The connection's status while its run waits for this reason; during an attempt the run waits for nothing."""
    shown: dict[str, Any] = {}

    def waits() -> bool:
        shown.update(installation.status(connection_id))
        return reason in (shown["runs"][0]["waiting_for"] or "")

    eventually(waits)
    return shown


def _last_status(database: psycopg.Connection) -> str:
    row = database.execute("SELECT status FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])
