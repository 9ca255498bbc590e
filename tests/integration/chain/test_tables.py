"""The tables of all commands fit a terminal of 80 and of 120 columns; a pipe gets whole values with tabs between."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from db import legacy
from db.legacy import Adoption, Report
from db.legacy.found_table import FoundTable
from tests.command_tree import commands
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import another_user
from tests.integration.chain.held_deletions.losses import AFTER_A_LOSS
from tests.integration.clock import zone_at_noon
from tests.integration.snapshots import State
from tests.screen import show, too_wide
from workers.cli import sync
from workers.cli.app import app

#: 500 characters, with and without blanks.
NAME = ("Aktiengesellschaft für Handel " * 20)[:500].strip()
WORD = "W" * 500
#: As long as the longest IBAN.
NUMBER = "MT84MALT011000012345MTLCAST001"
OPERATOR = "o" * 60
CLIENT, CLIENT_ID = "c" * 40, "1000.0SRSZSY37WMZ69405H3TMYI2239VXX"
PHONE = "+447911123456"

_LENGTHENED = (
    "UPDATE booksync.zoho_connections SET organization_name = %(name)s",
    """
    UPDATE booksync.customers_cache SET time_zones = ARRAY[%(zone)s],
           customer_name = CASE WHEN zoho_customer_id LIKE '%%[02468]' THEN %(word)s ELSE %(name)s END
    """,
    "UPDATE invoices_cache SET invoice_number = %(number)s || right(zoho_invoice_id, 4), balance = 123456789.12",
    """
    UPDATE reminders SET scheduled_at = now() - interval '1 minute', closes_at = now() + interval '1 hour'
     WHERE status = 'scheduled'
    """,
    "UPDATE booksync.sync_runs SET error = %(name)s, degraded_reason = %(name)s",
    """
    INSERT INTO booksync.do_not_call (user_id, phone, note)
    SELECT user_id, %(phone)s, %(name)s FROM booksync.zoho_connections
    """,
    """
    INSERT INTO booksync.dead_letters (
        subject, actor_name, queue_name, arguments, error_type, error, cause, fingerprint, attempts, connection_id)
    SELECT id::text, 'confirm_invoice_deletions', 'q', '{}', 'E', %(name)s, 'retries_exhausted', '3f9ac1d20b7e', 5, id
      FROM booksync.zoho_connections
    """,
)


def lengthen(bench: Bench) -> None:
    """Gives every table of a command a row with long values."""
    bench.open()
    every_day = ("--weekdays", "mon,tue,wed,thu,fri,sat,sun", "--no-skip-holidays")
    invoke("policy", "set", str(bench.connection_id), *every_day)
    for statement in _LENGTHENED:
        bench.rows(f"{statement} RETURNING 1", name=NAME, word=WORD, number=NUMBER, phone=PHONE, zone=zone_at_noon())
    invoke("operators", "add", OPERATOR, "--role", "accountant", "--password", "-", given="a long enough password\n")
    invoke("clients", "add", CLIENT, "--client-id", CLIENT_ID, "--client-secret", "-", given="secret\n")
    other = another_user(bench)
    invoke("pause", str(other.connection_id), "--reason", NAME)


def invoke(*words: str, given: str | None = None) -> str:
    result = CliRunner().invoke(app, words, input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return str(result.stdout)


@dataclass(frozen=True)
class Case:
    """A command line, and texts of its table."""

    words: str
    headings: str  #: the first headings of a table in a pipe, with blanks between them
    copied: Sequence[str] = ()  #: texts that stay whole on a terminal, because people copy them
    whole: Sequence[str] = ()  #: texts that a terminal may wrap or cut, but no pipe
    given: str | None = None  #: the input


CASES = {
    "clients list": Case("", "name data", (CLIENT, CLIENT_ID)),
    "connections list": Case("", "id name organisation", ("{id8}", "{user}"), ("{id}", NAME)),
    "dead-letters list": Case("", "fingerprint count", ("3f9ac1d20b7e",), (NAME,)),
    "deletions apply": Case("{id}", "kind id in Zoho", ("{held}",), ("{number}",), "n\n"),
    "deletions dismiss": Case("{id}", "kind id in Zoho", ("{held}",), ("{number}",), "n\n"),
    "deletions list": Case("{id}", "kind id in Zoho", ("{held}",), ("{number}", NAME)),
    "do-not-call list": Case("", "number since user", (PHONE, "{user}"), (NAME,)),
    "erase": Case("{id} --yes", "table rows", ("{id}",)),
    "explain": Case("{invoice}", "step state", ("{number}",)),
    "migrate": Case("--report", "old column"),
    "operators list": Case("", "name role", (OPERATOR,)),
    "phones audit": Case("{id} --all", "phone text number", (), (NAME,)),
    "phones check": Case("", "text number verdict", ("+442070313000",), (NAME,), f"+442070313000\n{NAME}\n"),
    "policy set": Case("{id} --steps=-3,0,7", "rule value meaning", ("kinds_not_called",)),
    "policy show": Case("{id}", "rule value meaning", ("kinds_not_called",)),
    "reminders due": Case("{id}", "invoice step phone", ("{scheduled}",)),
    "reminders preview": Case("{id} --backlog latest --limit 500", "? number customer", (), (NAME,)),
    "reminders skipped": Case("{id} --limit 500", "invoice id in Zoho", ("{skipped}", "{skipped_id}"), (NAME,)),
    "status": Case("", "started mode state", ("{id}",), (NAME,)),
    "sync": Case("{id} --wait", "Sync degraded total"),
    "verify": Case("{id}", "kind in Zoho"),
}

#: Further command lines of commands with several tables.
FURTHER = [
    ("dead-letters list", Case("--no-group", "id state fingerprint", ("3f9ac1d20b7e", "{id}"), (NAME,))),
    ("migrate", Case("--adopt", "table found rows", ("invoices_cache",), given="n\n")),
]

WITHOUT_TABLES = {
    *("budget resume", "clients add", "clients rotate", "connect", "disconnect", "doctor", "healthy", "pause"),
    *("dead-letters discard", "dead-letters retry", "dead-letters show", "do-not-call add", "do-not-call remove"),
    *("operators add", "operators disable", "operators link", "phones confirm", "reminders close", "reminders open"),
    *("reminders report", "rename", "resume", "roles", "rotate-keys", "scheduler", "schema", "start", "webhook rotate"),
    *("webhook show", "worker"),
}


def test_every_command_has_a_case_or_no_table() -> None:
    assert set(CASES) | WITHOUT_TABLES == set(commands())
    assert set(CASES) & WITHOUT_TABLES == set()


LENGTHENED = State(lengthen, after=AFTER_A_LOSS)

#: What `booksync migrate` finds in an older application's database.
_ADOPTION = Adoption(
    revision=None,
    tables=(
        FoundTable(
            name="invoices_cache", schema="public", exists=True, rows=12_345_678, style="camelCase", renames=(),
            columns=(), loosenings=(), counterparts=(), to_fill={}, to_require=(), defaults=(), keys=(), fill_ins=(),
            texts=(), problems=(),
        ),
    ),
    taken=(),
)  # fmt: skip
_REPORT = Report(
    revision="0013_connecting_phase3",
    unaccounted=0,
    rows={"invoices_cache": {"moved": 12_345_678, "quarantined": 12_345}},
    values={
        "customer_phone_number": {"moved": 12_345_678, "merged": 1_234_567, "kept": 123_456, "quarantined": 12_345}
    },
    quarantined={"no_customer": 12_345},
    late=12,
)


@pytest.fixture
def synced_state() -> State:
    return LENGTHENED


@pytest.fixture
def filled(synced: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Fills the placeholders of a case, and stands in for a worker and for an application that is not adopted yet."""
    (run,) = synced.rows("SELECT id FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1")
    monkeypatch.setattr(sync, "_run_to_end", lambda *_: run["id"])
    for name, result in {"plan": _ADOPTION, "adopt": None, "report": _REPORT}.items():
        monkeypatch.setattr(legacy, name, lambda _, result=result: result)
    values = facts(synced)
    with capture_logs():  # As at a terminal, no log is on stdout.
        yield lambda text: re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


@pytest.mark.parametrize(("command", "case"), [*CASES.items(), *FURTHER])
class TestTable:
    def test_it_fits_a_terminal(self, filled: Callable[[str], str], command: str, case: Case) -> None:
        for width in (80, 120):
            lines = show(*command.split(), *filled(case.words).split(), width=width, given=case.given)
            assert too_wide(lines, width) == []
            assert drawn(lines) == []
            for text in map(filled, case.copied):
                assert any(text in line for line in lines), text

    def test_a_pipe_gets_every_value(self, filled: Callable[[str], str], command: str, case: Case) -> None:
        result = CliRunner().invoke(app, [*command.split(), *filled(case.words).split()], input=case.given)
        lines = result.output.splitlines()
        assert any(line.replace("\t", " ").startswith(case.headings) for line in lines), result.output
        assert drawn(lines) == []
        for text in map(filled, (*case.copied, *case.whole)):
            assert any(text in line for line in lines), text
        for has_tabs, rows in groupby(lines, key=lambda line: "\t" in line):
            assert not has_tabs or len({line.count("\t") for line in rows}) == 1


def drawn(lines: Sequence[str]) -> list[str]:
    """The lines with blanks at the end, or with parts of a box."""
    return [line for line in lines if line != line.rstrip(" ") or re.search("[\u2500-\u257f]", line)]


def facts(bench: Bench) -> dict[str, str]:
    """The ids and numbers in the commands of the cases and in their tables."""
    (connection,) = bench.rows(
        "SELECT id, user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=bench.connection_id
    )
    (scheduled,) = bench.rows("""
        SELECT i.id, i.invoice_number AS number FROM invoices_cache i JOIN reminders r ON r.invoice_id = i.id
         WHERE r.status = 'scheduled' LIMIT 1
    """)
    (skipped,) = bench.rows("""
        SELECT invoice_number AS number, zoho_invoice_id AS id FROM invoices_cache
         WHERE plan_outcome NOT IN ('scheduled', 'gone') AND status IN ('sent', 'overdue') LIMIT 1
    """)
    (held,) = bench.rows("SELECT record_id AS id FROM booksync.held_deletions ORDER BY found_at, record_id LIMIT 1")
    return {
        "id": str(connection["id"]),
        "id8": str(connection["id"])[:8],
        "user": str(connection["user_id"]),
        "invoice": str(scheduled["id"]),
        "number": NUMBER,
        "scheduled": scheduled["number"],
        "skipped": skipped["number"],
        "skipped_id": skipped["id"],
        "held": held["id"],
    }
