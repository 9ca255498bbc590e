"""Promises for webhooks with a wrong secret: counted, logged, and shown in `status` until a day after the last one."""

import json
import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from db import connection_views
from db.connections import Connection
from domain.entities import CUSTOMER
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row
from tests.integration.webhooks.hooks import Hooks, a_contact_id, post
from tests.process_logs import logs_of_a_process
from tests.webhooks import signed_json
from workers.cli.app import app
from workers.services.webhook_rules import rotate
from workers.web import refusals

COUNT = """
    SELECT webhooks_refused AS count, webhooks_refused_since > now() - interval '1 hour' AS is_recent
      FROM booksync.zoho_connections WHERE id = :id
"""


@pytest.fixture(autouse=True)
def writes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "SECONDS_BETWEEN_WRITES", 0.0)


def refuse(hooks: Hooks, times: int = 1) -> None:
    for _ in range(times):
        body, headers = signed_json("a wrong secret", {"contact": {"contact_id": "1"}})
        assert post(hooks.bench.resources, hooks.path, body, headers).status_code == 401


def counted(hooks: Hooks) -> Any:
    return row(hooks.bench.resources.engine, COUNT, id=hooks.bench.connection_id)


def by_hour(hooks: Hooks) -> Sequence[tuple[int, int]]:
    """The hours of the last day with refused webhooks, as (hours ago, number)."""
    with hooks.bench.resources.engine.connect() as db:
        view = connection_views.view_of(db, hooks.bench.connection_id, runs=1)
    present = view.now.replace(minute=0, second=0, microsecond=0)
    return [((present - each.begins_at) // timedelta(hours=1), each.refused) for each in view.webhook_hours]


def last_refused(hooks: Hooks, *, ago: str) -> None:
    """Moves the refusals so far into the past."""
    change(
        hooks.bench.resources.engine,
        """
        UPDATE booksync.zoho_connections SET webhooks_refused_since = now() - CAST(:ago AS interval),
                                    webhooks_refused_last_at = now() - CAST(:ago AS interval)
        """,
        ago=ago,
    )


def status() -> str:
    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 0, shown.output
    return " ".join(shown.stdout.split())


def test_status_has_a_line_for_refused_webhooks_with_the_next_step(hooks: Hooks) -> None:
    refuse(hooks, times=6)
    assert re.search(
        r"6 webhooks refused since \d\d:\d\d, the last at \d\d:\d\d: the secret does not match\. "
        rf"Next: booksync webhook show {hooks.bench.connection_id}, and put that secret into Zoho's rule",
        status(),
    )


def test_the_json_of_status_counts_refused_webhooks(hooks: Hooks) -> None:
    refuse(hooks)
    (line,) = CliRunner().invoke(app, ["status", "--json"]).stdout.splitlines()
    assert json.loads(line)["connections"][0]["webhooks_refused"]["count"] == 1


def test_each_write_of_the_count_is_logged(hooks: Hooks) -> None:
    with logs_of_a_process() as logs:
        refuse(hooks)
    (line,) = [line for line in logs.lines if line.get("action") == "webhook.refused"]
    assert line["event"] == "Webhooks are refused, because the secret does not match"
    assert (line["connection_id"], line["refused"]) == (str(hooks.bench.connection_id), 1)


def test_a_flood_of_refusals_costs_one_write_a_second_and_one_line(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "SECONDS_BETWEEN_WRITES", 3600.0)
    with logs_of_a_process() as logs:
        refuse(hooks, times=20)
    assert len([line for line in logs.lines if line.get("action") == "webhook.refused"]) == 1
    assert counted(hooks)["count"] == 1


def test_a_valid_webhook_of_another_rule_keeps_the_line(hooks: Hooks) -> None:
    refuse(hooks)
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    refuse(hooks)
    assert hooks.send({}).status_code == 400
    assert counted(hooks)["count"] == 2
    assert "2 webhooks refused since" in status()


def test_a_valid_webhook_keeps_refusals_that_are_not_written_yet(hooks: Hooks) -> None:
    with hooks.bench.resources.engine.begin() as held:
        held.execute(text("SELECT FROM booksync.zoho_connections FOR NO KEY UPDATE"))
        refuse(hooks)
    hooks.tell(CUSTOMER, a_contact_id(hooks))
    refuse(hooks)
    assert counted(hooks)["count"] == 2


def test_the_line_ends_a_day_after_the_last_refusal(hooks: Hooks) -> None:
    refuse(hooks)
    last_refused(hooks, ago="23 hours")
    assert "1 webhook refused since" in status()
    last_refused(hooks, ago="24 hours")
    assert "refused" not in status()


def test_a_refusal_a_day_after_the_last_one_begins_a_new_count(hooks: Hooks) -> None:
    refuse(hooks, times=5)
    last_refused(hooks, ago="25 hours")
    refuse(hooks)
    assert counted(hooks)["count"] == 1
    assert counted(hooks)["is_recent"]


def test_a_rotation_ends_the_line(hooks: Hooks) -> None:
    refuse(hooks, times=5)
    rotate(hooks.bench.resources, hooks.bench.connection_id)
    assert "refused" not in status()


def test_a_refusal_after_a_rotation_begins_a_new_count(hooks: Hooks) -> None:
    refuse(hooks, times=5)
    rotate(hooks.bench.resources, hooks.bench.connection_id)
    refuse(hooks)
    assert "1 webhook refused since" in status()


def test_an_unknown_connection_writes_nothing(hooks: Hooks) -> None:
    body, headers = signed_json("a wrong secret", {"contact": {"contact_id": "1"}})
    assert post(hooks.bench.resources, f"/webhooks/zoho/{uuid.uuid4()}", body, headers).status_code == 401
    assert counted(hooks)["count"] == 0
    with logs_of_a_process() as logs:
        post(hooks.bench.resources, "/webhooks/zoho/no-uuid", body, headers)
    assert "webhook.refused" not in logs.text


def test_other_connections_keep_their_own_count(hooks: Hooks) -> None:
    other: Connection = a_connection(hooks.bench.resources.engine, organization_id="2")
    refuse(hooks)
    assert row(hooks.bench.resources.engine, COUNT, id=other.connection_id)["count"] == 0


def test_a_locked_row_delays_no_webhook_and_loses_no_count(hooks: Hooks) -> None:
    lock = text("SELECT FROM booksync.zoho_connections FOR NO KEY UPDATE")
    with hooks.bench.resources.engine.begin() as held:
        held.execute(lock)
        refuse(hooks)
    assert counted(hooks)["count"] == 0
    refuse(hooks)
    assert counted(hooks)["count"] == 2


def test_an_unreadable_stored_secret_counts_no_refusal(hooks: Hooks) -> None:
    change(hooks.bench.resources.engine, "UPDATE booksync.zoho_connections SET webhook_secret_encrypted = 'gAAAA'")
    refuse(hooks)
    assert counted(hooks)["count"] == 0


def test_the_count_stops_at_the_maximum_of_its_column(hooks: Hooks) -> None:
    refuse(hooks)
    change(hooks.bench.resources.engine, "UPDATE booksync.zoho_connections SET webhooks_refused = 2147483647")
    refuse(hooks)
    assert counted(hooks)["count"] == 2147483647


def test_refusals_are_kept_by_hour_for_a_day(hooks: Hooks) -> None:
    refuse(hooks, times=2)
    for ago in (5, 23, 24):
        change(
            hooks.bench.resources.engine,
            """
            UPDATE booksync.zoho_connections SET webhooks_refused_by_hour = webhooks_refused_by_hour
                || jsonb_build_object(floor(extract(epoch FROM now()) / 3600)::bigint - :ago, 7)
            """,
            ago=ago,
        )
    refuse(hooks)
    kept = row(hooks.bench.resources.engine, "SELECT webhooks_refused_by_hour AS hours FROM booksync.zoho_connections")
    assert sorted(kept["hours"].values()) == [3, 7, 7]
    assert by_hour(hooks) == [(23, 7), (5, 7), (0, 3)]
