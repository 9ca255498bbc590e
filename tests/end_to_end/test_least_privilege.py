"""Each process under its own role of docs/database-roles.md, in a database of another owner."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from db.migrations.runner import migrate
from sandbox.servers import EmbeddedPostgres
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from tests.database_roles import DatabaseRoles
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.storm import Web
from tests.end_to_end.underway import eventually
from tests.truth import differences

PASSWORD = "a long enough password"


@pytest.fixture
def roles(postgres: EmbeddedPostgres) -> Iterator[DatabaseRoles]:
    roles = DatabaseRoles()
    yield roles
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(roles.removal())


@pytest.fixture
def installation(
    postgres: EmbeddedPostgres, redis_url: str, zoho: SandboxControl, roles: DatabaseRoles, tmp_path: Path
) -> Iterator[Installation]:
    name = f"roles_{roles.suffix}"
    url = postgres.create_database(name)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(roles.creation())
    owners_url = as_role(url, roles.owner)
    migrate(owners_url)
    with psycopg.connect(owners_url, autocommit=True) as database:
        database.execute(roles.grants())
    environment = settings_for(as_role(url, roles.worker), redis_url, zoho.url, Fernet.generate_key().decode())
    installed = Installation(environment, tmp_path, zoho)
    yield installed
    installed.stop()
    postgres.drop_database(name)


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


@pytest.mark.slow
def test_every_process_works_with_exactly_its_grants(
    installation: Installation, roles: DatabaseRoles, tmp_path: Path
) -> None:
    connected = installation.connect().json
    connection_id = connected["connection_id"]
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    web = Web.started(replace(installation, environment=environment_of_web(installation, roles)), connected)
    contacts = installation.zoho.snapshot()["contacts"]
    customer = next(contact["contact_id"] for contact in contacts if contact["contact_type"] == "customer")
    phone = "+14155550126"

    assert installation.run("sync", connection_id, "--full", "--wait", "--json").json["status"] == "succeeded"
    web.send([{"contact": {"contact_id": customer}}])
    eventually(lambda: handled(installation))
    installation.zoho.fault(FaultName.ROW_MISSING, record_id=int(customer))
    again = installation.run("sync", connection_id, "--full", "--wait", "--allow-deletions", "--json")
    assert again.json["status"] == "succeeded", again.stdout
    installation.zoho.clear_faults()
    assert installation.run("sync", connection_id, "--full", "--wait", "--json").json["status"] == "succeeded"
    for words in (
        ("status", "--json"),
        ("verify", connection_id, "--json"),
        ("sync", connection_id, "--dry-run", "--json"),
        ("reminders", "preview", connection_id, "--json"),
        ("reminders", "open", connection_id, "--backlog", "none", "--json"),
        ("reminders", "due", "--json"),
        ("reminders", "close", connection_id, "--json"),
        ("dead-letters", "list", "--json"),
        ("do-not-call", "add", phone, "--json"),
        ("do-not-call", "list", "--json"),
        ("do-not-call", "remove", phone, "--json"),
        ("rotate-keys", "--json"),
        ("webhook", "rotate", connection_id, "--json"),
        ("operators", "add", "ana", "--role", "operator", "--json"),
        ("operators", "list", "--json"),
    ):
        done = installation.run(*words, BOOKSYNC_OPERATOR_PASSWORD=PASSWORD)
        assert "permission" not in done.stderr + done.stdout, words
        assert done.code == 0, (words, done.stderr, done.stdout)

    assert visit_of_ana(web.url) == [303, 200, 200, 303, 303]
    assert "other_client" not in installation.run("doctor", "--json").stdout
    assert installation.run("operators", "disable", "ana", "--json").code == 0
    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        assert differences(installation.zoho.snapshot(), database) == []
        assert database.execute("SELECT count(*) FROM booksync.dead_letters").fetchone() == (0,)
    logs = "".join(log.read_text(encoding="utf-8") for log in tmp_path.glob("*.log"))
    assert "InsufficientPrivilege" not in logs
    assert "permission denied" not in logs


def visit_of_ana(url: str) -> list[int]:
    """Sign in to the console, look at it, sign out, and look again; returns the status codes."""
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=httpx.URL(url).join("/"), trust_env=False, timeout=30, headers=headers) as browser:

        def token(path: str) -> str:
            return str(re.findall(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)[0])

        credentials = {"name": "ana", "password": PASSWORD, "csrf_token": token("/sign-in")}
        return [
            browser.post("/sign-in", data=credentials).status_code,
            browser.get("/").status_code,
            page_without_client(browser),
            browser.post("/sign-out", data={"csrf_token": token("/")}).status_code,
            browser.get("/").status_code,
        ]


def page_without_client(browser: httpx.Client) -> int:
    """The status of the page that connects, which must say that the web process has no client."""
    page = browser.get("/connections/new")
    assert "Connecting in a browser needs <code>ZOHO_CLIENT_ID</code>" in page.text
    return page.status_code


def environment_of_web(installation: Installation, roles: DatabaseRoles) -> dict[str, str]:
    """The environment of the web process: its own role, and no secret of Zoho."""
    as_web = as_role(installation.environment["DATABASE_URL"], roles.web)
    own = installation.environment | {"DATABASE_URL": as_web}
    return {name: value for name, value in own.items() if name not in {"ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET"}}


def handled(installation: Installation) -> bool:
    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        events = database.execute("SELECT count(*) FROM booksync.webhook_events").fetchone()
        return (
            events == (1,)
            and database.execute("SELECT FROM booksync.refreshes WHERE received > handled").fetchone() is None
        )
