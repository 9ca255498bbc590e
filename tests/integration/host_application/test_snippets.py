"""Each snippet of docs/integrating.md does what the document says."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from standardwebhooks import WebhookVerificationError

from db.connections import Connection
from tests.integration.db.look import row
from tests.integration.host_application.programs import DRIZZLE, output_of
from tests.integration.host_application.snippets import snippets
from tests.integration.migrations.orms.node_packages import node_modules
from tests.integration.posting.inbox import SECRET, Inbox
from tests.programs import needed_program
from workers.handover.posting import post_due
from workers.handover.receiver import Receiver

STANDARD_SECRET = "whsec_YSBzZWNyZXQgb2YgZW5vdWdoIGxldHRlcnM="


def python(heading: str) -> dict[str, Any]:
    """The names that the snippet defines."""
    (snippet,) = snippets(heading, "python")
    names: dict[str, Any] = {}
    exec(compile(snippet, heading, "exec"), names)
    return names


def test_the_statements_of_sql(engine: Engine, due: Connection) -> None:
    customers, calls, claim, report = snippets("SQL", "sql")
    # SQLAlchemy's placeholders have the form of psql's variables.
    with engine.begin() as db:
        (customer,) = db.execute(text(customers), {"user_id": due.user_id}).mappings()
        assert customer["phone"] == "+447912345678"
        assert len(db.execute(text(calls), {"user_id": due.user_id}).all()) == 2
        taken = db.execute(text(claim)).mappings().all()
        assert {call["balance"] for call in taken} == {120}
        db.execute(text(report), {"handover_id": taken[0]["handover_id"]})
        assert db.execute(text(calls), {"user_id": due.user_id}).all() == []
    assert outcome(engine) == ("promised", "transfer on Friday")


def outcome(engine: Engine) -> tuple[str, str]:
    found = row(engine, "SELECT DISTINCT outcome, note FROM booksync.handover_outcomes")
    return found["outcome"], found["note"]


def test_the_functions_of_python(
    engine: Engine, due: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    host = python("Python")
    with host["connect"]() as database:
        (customer,) = host["callable_customers"](database, due.user_id)
        assert customer["phone"] == "+447912345678"
        ((handover_id, call),) = host["take_calls"](database).items()
        assert len(call) == 2
        assert host["take_calls"](database) == {}
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)
        host["report"](database, handover_id, "promised", until=until, note="by card")
    assert outcome(engine) == ("promised", "by card")


@pytest.mark.slow
def test_the_functions_of_node(engine: Engine, due: Connection, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules("drizzle", DRIZZLE))
    (snippet,) = snippets("Node and TypeScript", "js")
    (tmp_path / "host.mjs").write_text(snippet)
    (tmp_path / "run.mjs").write_text("""
        import * as host from "./host.mjs";
        const customers = await host.callableCustomers(process.argv[2]);
        const calls = [...await host.takeCalls()];
        await host.report(calls[0][0], "no_answer", { note: "engaged" });
        const further = await host.takeCalls();
        console.log(JSON.stringify([customers[0].phone, calls.length, calls[0][1].length, further.size]));
        await host.pool.end();
    """)
    command = [needed_program("node"), "run.mjs", str(due.user_id)]
    assert json.loads(output_of(command, tmp_path, DATABASE_URL=database_url)) == ["+447912345678", 1, 2, 0]
    assert outcome(engine) == ("no_answer", "engaged")


@pytest.fixture
def post(engine: Engine, due: Connection, inbox: Inbox, receiver: Receiver) -> tuple[dict[str, str], bytes]:
    """Headers and body of a handover's post."""
    assert due
    assert post_due(engine, receiver) == 1
    headers, body = inbox.got[0]
    return dict(headers), body


def test_the_library_verifies_a_post(post: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    headers, body = post
    monkeypatch.setenv("STANDARD_WEBHOOK_SECRET", STANDARD_SECRET)
    verified = python("With a library of Standard Webhooks")["verified"]
    assert verified(headers, body) == json.loads(body)
    assert headers["webhook-id"] == headers["Idempotency-Key"]
    with pytest.raises(WebhookVerificationError):
        verified(headers, body + b" ")


def test_the_document_makes_the_secret_for_the_library() -> None:
    made = output_of(
        ["sh", "-c", """echo "whsec_$(printf %s "$REMINDER_WEBHOOK_SECRET" | base64 -w0)\""""],
        Path.cwd(),
        REMINDER_WEBHOOK_SECRET=SECRET,
    )
    assert made.strip() == STANDARD_SECRET


def test_python_verifies_a_post_without_a_library(
    post: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = post
    monkeypatch.setenv("REMINDER_WEBHOOK_SECRET", SECRET)
    verified = python("Without a library")["verified"]
    assert verified(headers, body) == json.loads(body)
    assert verified(headers, body + b" ") is None
    assert verified(headers | {"X-Booksync-Timestamp": "1"}, body) is None


def test_node_verifies_a_post_without_a_library(post: tuple[dict[str, str], bytes], tmp_path: Path) -> None:
    headers, body = post
    (snippet,) = snippets("Without a library", "js")
    (tmp_path / "host.mjs").write_text(snippet)
    (tmp_path / "body").write_bytes(body)
    (tmp_path / "headers").write_text(json.dumps({name.lower(): value for name, value in headers.items()}))
    (tmp_path / "run.mjs").write_text("""
        import { readFileSync } from "node:fs";
        import { verified } from "./host.mjs";
        const headers = JSON.parse(readFileSync("headers", "utf8"));
        const body = readFileSync("body");
        console.log(JSON.stringify([verified(headers, body), verified(headers, Buffer.concat([body, body]))]));
    """)
    output = output_of([needed_program("node"), "run.mjs"], tmp_path, REMINDER_WEBHOOK_SECRET=SECRET)
    assert json.loads(output) == [json.loads(body), None]
