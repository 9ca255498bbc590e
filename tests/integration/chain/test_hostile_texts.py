"""Texts of Zoho with control sequences: no command prints one, as text or JSON, and the cache keeps them unchanged."""

import json
import re
from typing import Any

import pytest

from domain.printable import printable
from tests.integration.chain.bench import Bench
from tests.integration.chain.test_reminder_commands import run

pytestmark = pytest.mark.slow

HOSTILE = (
    "\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b2J\u202eevil\u200b\rall good\nforged: 0\tnext [bold]x[/bold] :warning: \u2028"
)

#: Each command prints texts of a connection.
COMMANDS = [
    "status",
    "status {id}",
    "explain {invoice}",
    "reminders preview {id}",
    "reminders open {id}",
    "reminders skipped {id}",
    "reminders due {id}",
    "phones audit {id} --all",
    "phones audit {id} --csv",
    "phones audit {id} --excel",
    "do-not-call list",
    "dead-letters list",
    "dead-letters list --no-group",
    "dead-letters show {letter}",
    "dead-letters show {letter} --json",
    "policy show {id}",
    "status --json",
    "explain {invoice} --json",
    "reminders preview {id} --json",
    "reminders skipped {id} --json",
    "phones audit {id} --json",
]


@pytest.fixture
def hostile(bench: Bench) -> Bench:
    """A connection with a hostile text in every column that stores a free text of Zoho."""
    bench.sync()
    for statement in (
        """
        UPDATE booksync.zoho_connections SET organization_name = %(x)s, parked_reason = %(x)s, unknown_time_zone = %(x)s
        """,
        "UPDATE booksync.customers_cache SET customer_name = %(x)s, company_name = %(x)s, country_unknown = %(x)s",
        "UPDATE invoices_cache SET invoice_number = %(x)s, sub_status = %(x)s, currency_code = %(x)s",
        "UPDATE booksync.sync_runs SET degraded_reason = %(x)s, error = %(x)s",
        """
        INSERT INTO booksync.do_not_call (user_id, phone, note)
        SELECT user_id, '+447911123456', %(x)s FROM booksync.zoho_connections
        """,
        """
        INSERT INTO booksync.dead_letters (
            subject, actor_name, queue_name, arguments, error_type, error, traceback, cause,
                                  fingerprint, note, attempts)
        VALUES (%(x)s, %(x)s, 'q', '{}', 'E', %(x)s, 'line 1', 'permanent_error', 'f', %(x)s, 1)
        """,
    ):
        bench.rows(f"{statement} RETURNING 1", x=HOSTILE)
    return bench


def acting(output: str) -> set[str]:
    """The active characters of an output, and the starts of lines and columns that a text has forged.

    In a pipe, tabs are between the columns of a table.
    """
    return {sign for sign in output if sign not in "\n\r\t" and printable(sign) != sign} | {
        begin
        for begin in ("forged", "all good", "next")
        for cell in re.split(r"[\n\r\t]", output)
        if cell.startswith(begin)
    }


def test_no_command_prints_an_active_control_sequence(hostile: Bench) -> None:
    (invoice,) = hostile.rows("SELECT id FROM invoices_cache ORDER BY zoho_invoice_id LIMIT 1")
    (letter,) = hostile.rows("SELECT id FROM booksync.dead_letters")
    for command in COMMANDS:
        words = command.format(id=hostile.connection_id, invoice=invoice["id"], letter=letter["id"]).split()
        result = run(*words)
        assert result.exit_code == 0, (command, result.output)
        assert acting(result.output.removeprefix("\ufeff")) == set(), command  # Excel needs the mark.


def test_json_output_keeps_the_text_unchanged(hostile: Bench) -> None:
    told: dict[str, Any] = json.loads(run("status", "--json").stdout)
    assert told["connections"][0]["organization_name"] == HOSTILE
