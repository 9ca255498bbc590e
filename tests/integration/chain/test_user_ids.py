"""A host whose users have ids of any type: text (Prisma, Auth.js), whole numbers (Django) or uuid."""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from typer.testing import CliRunner, Result

from db import do_not_call
from db.migrations.runner import migrate
from db.users import UnknownUserError
from sandbox.servers import EmbeddedPostgres
from sandbox.zoho.control import SandboxControl
from tests.databases import Databases
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import DUE_AT, claim, tell_and_plan
from tests.integration.hosts import BIGINT, HOSTS, TEXT, Host
from workers.boot.resources import Resources
from workers.cli.app import app

pytestmark = pytest.mark.slow

OWN_COLUMNS = """
    SELECT columns.table_name, data_type FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
     WHERE column_name = 'user_id' AND table_schema = 'booksync' AND table_type = 'BASE TABLE'
"""
_PLANNED = "SELECT user_id FROM reminders WHERE status = 'scheduled'"


@pytest.fixture(scope="session")
def databases_of(postgres: EmbeddedPostgres) -> Iterator[Callable[[Host], Databases]]:
    """The databases of a host, all copied from one that was migrated."""
    with ExitStack() as opened:

        @functools.cache
        def migrated(host: Host) -> Databases:
            name = f"host_{host.id_type}"
            url = postgres.create_database(name)
            host.install(url)
            migrate(url)
            return opened.enter_context(closing(Databases(postgres, name)))

        yield migrated


@pytest.fixture(params=drilled_except((TEXT, BIGINT), HOSTS), ids=lambda host: host.id_type)
def host(request: pytest.FixtureRequest) -> Host:
    assert isinstance(request.param, Host)
    return request.param


@pytest.fixture
def database_url(databases_of: Callable[[Host], Databases], host: Host) -> Iterator[str]:
    with databases_of(host).database() as url:
        yield url


@pytest.fixture
def connected(resources: Resources, zoho: SandboxControl, database_url: str, host: Host) -> Bench:
    host.add_user(database_url)
    return Bench.connected(resources, zoho, user_id=host.user_id)


def test_booksyncs_columns_have_the_type_of_the_hosts_ids(resources: Resources, host: Host) -> None:
    with resources.engine.connect() as db:
        types = {row.data_type for row in db.exec_driver_sql(OWN_COLUMNS)}
    assert types == {host.own_type}


def test_a_sync_caches_and_plans_for_the_user(connected: Bench, host: Host) -> None:
    assert connected.sync()["status"] == "succeeded"
    for rows in (connected.customers().values(), connected.invoices().values(), connected.rows(_PLANNED)):
        assert {row["user_id"] for row in rows} == {host.user_id}


def test_due_reminders_are_claimed_and_their_outcome_reported(
    resources: Resources, database_url: str, host: Host
) -> None:
    host.add_user(database_url)
    tell_and_plan(resources.engine, a_connection(resources.engine, user_id=host.user_id))
    with resources.engine.begin() as db:
        (due,) = db.exec_driver_sql("SELECT user_id, held_back FROM booksync.due_reminders(%s)", (DUE_AT,))
    assert tuple(due) == (host.user_id, None)
    (claimed,) = claim(resources.engine)
    with resources.engine.begin() as db:
        db.exec_driver_sql("SELECT booksync.report_outcome(%s, 'do_not_call')", (claimed.handover_id,))
        (listed,) = do_not_call.listed(db, host.user_id)
    assert listed.phone == claimed.phone


def test_an_invoice_is_explained(connected: Bench) -> None:
    connected.sync()
    invoice = next(iter(connected.invoices()))
    assert _run("explain", invoice).exit_code == 0


def test_the_list_of_numbers_is_kept_for_the_user(connected: Bench, host: Host) -> None:
    user = ("--user", str(host.user_id))
    assert _run("do-not-call", "add", "+442070313000", *user).exit_code == 0
    assert "+442070313000" in _run("do-not-call", "list", *user).output
    assert _run("do-not-call", "remove", "+442070313000", *user).exit_code == 0
    assert "The list is empty" in _run("do-not-call", "list").output


def test_connect_reads_the_users_id(resources: Resources, zoho: SandboxControl, database_url: str, host: Host) -> None:
    host.add_user(database_url)
    result = _connect(zoho, str(host.user_id), zoho.grant_code())
    assert result.exit_code == 0, result.output
    with resources.engine.connect() as db:
        users = db.exec_driver_sql("SELECT user_id FROM booksync.zoho_connections").scalars().all()
    assert users == [host.user_id]


@pytest.mark.usefixtures("resources")
def test_a_malformed_id_is_wrong_usage_and_keeps_the_grant_code(
    zoho: SandboxControl, database_url: str, host: Host
) -> None:
    code = zoho.grant_code()
    result = _connect(zoho, "" if host.own_type == "text" else "clx2k9q0a0000", code)
    assert (result.exit_code, "for --user:" in result.stderr) == (2, True)
    host.add_user(database_url)
    assert _connect(zoho, str(host.user_id), code).exit_code == 0


@pytest.mark.usefixtures("resources")
def test_a_user_that_the_host_must_add_keeps_the_grant_code(
    zoho: SandboxControl, database_url: str, host: Host
) -> None:
    code = zoho.grant_code()
    result = _connect(zoho, str(host.user_id), code)
    assert isinstance(result.exception, UnknownUserError)
    assert f"no user {host.user_id}," in str(result.exception)
    host.add_user(database_url)
    assert _connect(zoho, str(host.user_id), code).exit_code == 0


def _connect(zoho: SandboxControl, user: str, grant_code: str) -> Result:
    return _run("connect", "--user", user, "--organization", zoho.organization_id, "--grant-code", grant_code)


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, words)
