"""Processes of release 0.3.0 share tokens with this release, through the columns of zoho_connections that they know."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from db import connections, tokens
from tests.end_to_end.previous_release import code_of_the_previous_release
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES

pytestmark = pytest.mark.slow

#: Prints the access token that a process of the former release uses for a connection.
_CURRENT = """
import sys, uuid
from db import connections
from workers.boot.resources import open_resources
from workers.secrets.tokens import SharedTokens
with open_resources("former release") as opened:
    with opened.engine.connect() as db:
        found = connections.connection(db, uuid.UUID(sys.argv[1]))
    client = opened.oauth_client(opened.hosts(found.data_center))
    print(SharedTokens(opened.engine, opened.vault, opened.http, client, found.connection_id).current().value)
"""

#: Connects a user again with the grant code, as a process of the former release does.
_CONNECT = """
import sys, uuid
from workers.boot.resources import open_resources
from workers.services.connect import connect_organization
with open_resources("former release") as opened:
    connect_organization(opened, user_id=uuid.UUID(sys.argv[1]), organization_id=sys.argv[2], data_center="com",
                         grant_code=sys.argv[3])
"""

Former = Callable[..., str]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return code_of_the_previous_release(tmp_path_factory.mktemp("former") / "code", "0.3.0")


@pytest.fixture
def former(bench: Bench, code: Path) -> Former:
    """Run a script with the former release's code, and return what it prints last."""

    def run(script: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=code,
            env=os.environ | {"PYTHONPATH": str(code)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().rpartition("\n")[2]

    return run


def current(bench: Bench, connection_id: uuid.UUID) -> str:
    with bench.resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    return bench.resources.tokens(connection).current().value


def end_access_tokens(bench: Bench) -> None:
    bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")
    bench.zoho.reset_stats()


def test_each_release_uses_the_token_that_the_other_has_refreshed(bench: Bench, former: Former) -> None:
    end_access_tokens(bench)
    mine = current(bench, bench.connection_id)
    assert former(_CURRENT, str(bench.connection_id)) == mine
    assert bench.zoho.stats().token_refreshes == 1

    end_access_tokens(bench)
    theirs = former(_CURRENT, str(bench.connection_id))
    assert current(bench, bench.connection_id) == theirs != mine
    assert bench.zoho.stats().token_refreshes == 1


def test_a_connect_of_the_former_release_is_noticed(bench: Bench, former: Former) -> None:
    (row,) = bench.rows("SELECT user_id::text AS user, grant_id FROM booksync.zoho_connections")
    former(_CONNECT, row["user"], bench.zoho.organization_id, bench.zoho.grant_code())
    end_access_tokens(bench)

    assert bench.sync()["status"] == "succeeded"

    with bench.resources.engine.connect() as db:
        stored = tokens.read(db, bench.connection_id)
    assert stored is not None
    assert stored.grant_id != row["grant_id"]
    assert bench.rows("SELECT id FROM booksync.grants WHERE id = %(id)s", id=row["grant_id"]) == []
