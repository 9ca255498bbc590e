"""Commands over connections, as an operator types them, and a second user of the same organisation."""

import json
import uuid
from typing import Any

from typer.testing import CliRunner, Result

from tests.integration.chain.bench import Bench
from workers.cli.app import app


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=given)


def result_of(*words: str, given: str | None = None) -> dict[str, Any]:
    """The JSON object of a command that succeeds."""
    result = run(*words, "--json", given=given)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def refusal_of(*words: str) -> str:
    """The error of a command that fails."""
    result = run(*words)
    assert result.exception is not None, result.output
    assert not isinstance(result.exception, SystemExit), result.output
    return str(result.exception)


def name_of(bench: Bench) -> str:
    """The organisation's name in Zoho."""
    return str(bench.zoho.snapshot()["organization"]["name"])


def status_of(bench: Bench) -> str:
    (row,) = bench.rows("SELECT status FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id)
    return str(row["status"])


def another_user(bench: Bench) -> Bench:
    """The connection of another user to the same organisation, with a grant of its own."""
    return Bench.connected(bench.resources, bench.zoho, user_id=uuid.uuid4(), slices=bench.resources.slices)


def secrets_of(bench: Bench) -> dict[str, Any]:
    """The stored secrets of the connection."""
    (row,) = bench.rows(
        """
        SELECT refresh_token_encrypted, access_token_encrypted, webhook_secret_encrypted,
               webhook_secret_previous_encrypted
          FROM booksync.zoho_connections WHERE id = %(id)s
        """,
        id=bench.connection_id,
    )
    return row
