"""A rolling upgrade under load: the previous release's processes work on the new schema, beside the new ones.

Webhooks arrive throughout, at web processes of both releases. A sender claims reminders by the functions' former and
present names. Nothing is lost, and nothing is handed over twice.
"""

import itertools
import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet

from db.migrations.revisions import expected_head
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from sandbox.zoho.process import running_simulator
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, settings_for
from tests.end_to_end.previous_release import code_of_the_previous_release, of_the_previous_release, run_booksync
from tests.end_to_end.storm import Chosen, Web, disturbed
from tests.end_to_end.underway import REQUESTS_PER_MINUTE, UnderWay, eventually
from tests.truth import record_differences

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

SECONDS = float(os.environ.get("ROLLING_UPGRADE_SECONDS", "600"))

#: Records that change in each round.
RECORDS = 40

#: At any time of the day the drill may hand over, and a number may be called for each of its invoices.
_RULES = {
    "opens": "00:00",
    "closes": "23:59",
    "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "unknown_zone": "organisation",
    "contacts_a_day": 100,
    "contacts_a_week": 100,
}

_MAKE_DUE = """
    UPDATE reminders SET scheduled_at = now() - interval '1 minute', closes_at = now() + interval '1 hour'
    WHERE status = 'scheduled' AND scheduled_at > now()
"""


@dataclass
class Sender:
    """An application that sends reminders, by the former name of the claim and, once it exists, by the present one."""

    database_url: str
    claims: list[uuid.UUID] = field(default_factory=list)  #: of reminders
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Sender":
        self._thread = threading.Thread(target=self._claim)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def _claim(self) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as database:
            for turn in itertools.count():
                if self.ended.wait(0.5):
                    return
                moved = database.execute("SELECT to_regproc('booksync.claim_due_reminders')").fetchone() != (None,)
                name = "booksync.claim_due_reminders" if moved and turn % 2 else "claim_due_reminders"
                self.claims += [row[0] for row in database.execute(f"SELECT reminder_id FROM {name}(20)")]
                database.execute(_MAKE_DUE)


@contextmanager
def under_the_previous_release(folder: Path) -> Iterator[tuple[UnderWay, Installation]]:
    """The previous release at work, and this release's installation without processes."""
    code = code_of_the_previous_release(folder / "code")
    with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        EmbeddedValkey(folder / "valkey") as valkey,
        running_simulator(
            contacts=600, invoices=900, latency_ms=5, requests_per_minute=REQUESTS_PER_MINUTE, requests_per_day=10**6
        ) as zoho,
    ):
        database_url = postgres.create_database("booksync")
        settings = settings_for(database_url, valkey.url, zoho.url, Fernet.generate_key().decode())
        settings |= {"ZOHO_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE), "SYNC_INTERVAL_SECONDS": "20"}
        present = Installation(settings, folder, zoho)
        former = of_the_previous_release(present, code)
        run_booksync(former, "migrate")
        for program in (WORKER, WORKER, SCHEDULER):
            former.start(*program)
        try:
            yield UnderWay(former, postgres, valkey), present
        finally:
            former.stop()
            present.stop()


def connected_by(former: Installation) -> dict[str, Any]:
    words = ("connect", "--user", str(uuid.uuid4()), "--organization", former.zoho.organization_id)
    output = run_booksync(former, *words, "--grant-code", former.zoho.grant_code(), "--json")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def open_for_handovers(under_way: UnderWay, connection_id: str) -> None:
    under_way.look(
        "INSERT INTO reminder_policies (connection_id, rules) VALUES (%(id)s, %(rules)s) RETURNING rules",
        id=connection_id,
        rules=json.dumps(_RULES),
    )
    run_booksync(under_way.installation, "reminders", "open", connection_id, "--backlog", "latest")


def send_changes(chosen: Chosen, webs: list[Web], chance: random.Random, version: int) -> int:
    """Change the records, create some, and send the events to both web processes in turn."""
    events = disturbed([*chosen.changed(version), *chosen.created(4)], chance)
    for number, web in enumerate(webs):
        web.send(events[number :: len(webs)])
    return len(events)


def test_no_event_is_lost_and_no_reminder_is_doubled(tmp_path: Path, announce: Callable[[str], None]) -> None:
    chance = random.Random(seed := random.randrange(1_000_000))
    with under_the_previous_release(tmp_path) as (under_way, present):
        former, zoho = under_way.installation, under_way.zoho
        connected = connected_by(former)
        connection_id = str(connected["connection_id"])
        run_booksync(former, "sync", connection_id, "--full", "--wait")
        open_for_handovers(under_way, connection_id)
        chosen, webs, events = Chosen.of(zoho, RECORDS), [Web.started(former, connected)], 0
        with Sender(former.environment["DATABASE_URL"]) as sender:
            began, versions = time.monotonic(), itertools.count(1)
            events += send_changes(chosen, webs, chance, next(versions))
            migrating = threading.Thread(target=present.run, args=("migrate",))
            migrating.start()
            while migrating.is_alive():
                events += send_changes(chosen, webs, chance, next(versions))
            assert revision(under_way) == expected_head()
            for program in (WORKER, SCHEDULER):
                present.start(*program)
            webs.append(Web.started(present, connected))
            while time.monotonic() < began + SECONDS:
                events += send_changes(chosen, webs, chance, next(versions))
            both_at_work(former, present)
            former.stop()
            events += send_changes(chosen, webs[1:], chance, next(versions))
            eventually(lambda: waiting(under_way) == 0, 300)
        synced = present.run("sync", connection_id, "--full", "--wait", "--json")
        assert (synced.code, synced.json["status"]) == (0, "succeeded"), synced.stderr
        announce(f"seed {seed}: {events} events, {len(sender.claims)} reminders handed over, {SECONDS:g} s")
        assert left_out(under_way, connection_id) == []
        assert [reminder for reminder, times in Counter(sender.claims).items() if times > 1] == []
        assert sent_reminders(under_way) == set(sender.claims)
        assert sender.claims
        assert under_way.look("SELECT actor_name, error_type, error FROM booksync.dead_letters") == []


def left_out(under_way: UnderWay, connection_id: str) -> Sequence[str]:
    """The differences between the cache and Zoho, except in reminders, whose times the drill changes."""
    with psycopg.connect(under_way.installation.environment["DATABASE_URL"], autocommit=True) as database:
        return record_differences(under_way.zoho.snapshot(), database, connection_id)


def revision(under_way: UnderWay) -> str:
    ((found,),) = under_way.look("SELECT version_num FROM booksync.booksync_alembic_version")
    return str(found)


def both_at_work(*installations: Installation) -> None:
    """Check that no process has ended by itself."""
    for installation in installations:
        assert [process.args for process in installation.processes if process.poll() is not None] == []


def waiting(under_way: UnderWay) -> int:
    ((count,),) = under_way.look("SELECT count(*) FROM booksync.refreshes WHERE received > handled")
    return int(count)


def sent_reminders(under_way: UnderWay) -> set[uuid.UUID]:
    """The reminders that are marked as handed over; both names of the handover agree."""
    rows = under_way.look("SELECT id, handover_id = contact_id FROM reminders WHERE status = 'sent'")
    assert all(agree for _, agree in rows)
    return {row[0] for row in rows}
