"""An operator decides about dead letters: with the mouse, without JavaScript, and with the keyboard alone."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser.office import Office
from tests.end_to_end.underway import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_operator_retries_and_discards_dead_letters(office: Office) -> None:
    visit, page = office.visit, office.visit.page
    kept = [keep_failed_step(office), keep_failed_step(office)]
    visit.follow("Dead letters")
    visit.reads("Dead letters")
    visit.follow("browser-path")
    for dead_letter_id in kept:
        expect(page.get_by_role("link", name=str(dead_letter_id), exact=True)).to_be_visible()
    visit.follow(str(kept[0]))
    visit.reads(f"Dead letter {kept[0]}")
    visit.confirm("Retry", "Retry", Note="the network is back")
    visit.hears("1 of 1 retried; each closes when its work is done.")
    eventually(lambda: status_of(office, kept[0]) == "retried")
    page.reload()
    expect(page.locator("main")).to_contain_text("retried")
    office.sees_action("retry dead letters", "done", f"dead letter {kept[0]}", "the network is back")

    visit.follow("Dead letters")
    visit.follow("browser-path")
    visit.follow(str(kept[1]))
    visit.confirm("Discard", "Discard", Note="its customer has left")
    visit.hears("1 of 1 discarded.")
    expect(page.get_by_role("row", name="Note its customer has left", exact=True)).to_be_visible()
    assert status_of(office, kept[1]) == "discarded"
    office.sees_action("discard dead letters", "done", f"dead letter {kept[1]}", "its customer has left")


@pytest.mark.drill
def test_all_dead_letters_of_a_filter_are_discarded_in_the_background(office: Office) -> None:
    visit, page = office.visit, office.visit.page
    actor = f"actor_{uuid.uuid4().hex[:8]}"
    office.look(_MANY_LETTERS, actor=actor)
    visit.follow("Dead letters")
    visit.select("Actor", actor)
    visit.press("Filter")
    expect(page.get_by_role("status")).to_have_text("1,200 open dead letters match.")
    with held(office, actor, after=1_000), held(office, actor, after=500) as release:
        visit.confirm("Discard all 1,200", "Discard", Note="sent by a test")
        visit.hears("It goes on in the background.")
        visit.reads("Action: discard dead letters")
        release()
        office.until(lambda: "1,000 of 1,200 done (83 %)" in page.locator("#action").inner_text())
        visit.fits("action in progress")
    office.until(lambda: "1,200 of 1,200 discarded." in page.locator("#action").inner_text())
    office.sees_action("discard dead letters", "done", actor, "sent by a test", "1,200 of 1,200 discarded.")


_FAILED_STEP = """
    INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, connection_id, run_id,
                                       error_type, error, traceback, fingerprint, attempts)
    SELECT gen_random_uuid()::text, 'error', 'sync', 'create_reminders', '{}', connection_id, id, 'OperationalError',
           'the connection was lost', 'workers/sync/reminders.py:40 in create_reminders', 'browser-path', 3
      FROM booksync.sync_runs WHERE connection_id = %(id)s::uuid ORDER BY started_at DESC LIMIT 1
    RETURNING id
"""

_MANY_LETTERS = """
    INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, error_type, error,
                                       fingerprint, attempts)
    SELECT gen_random_uuid()::text, 'unknown_actor', 'database', %(actor)s, '{"args": [], "kwargs": {}}',
           'unknown_actor', 'No worker knows this actor.', %(actor)s, 1
      FROM generate_series(1, 1200)
    RETURNING id
"""


def keep_failed_step(office: Office) -> int:
    """Keep a dead letter for a step of the connection's last run, and return its id."""
    ((dead_letter_id,),) = office.look(_FAILED_STEP, id=office.connection_id)
    return int(dead_letter_id)


def status_of(office: Office, dead_letter_id: int) -> str:
    ((status,),) = office.look("SELECT status FROM booksync.dead_letters WHERE id = %(id)s", id=dead_letter_id)
    return str(status)


@contextmanager
def held(office: Office, actor: str, *, after: int) -> Iterator[Callable[[], None]]:
    """Lock one of the actor's dead letters, so that their discarding waits there. Yields a function that unlocks it."""
    with psycopg.connect(office.installation.environment["DATABASE_URL"]) as database:
        database.execute(
            "SELECT FROM booksync.dead_letters WHERE id = ("
            "SELECT id FROM booksync.dead_letters WHERE actor_name = %s ORDER BY id OFFSET %s LIMIT 1) FOR UPDATE",
            [actor, after],
        )
        yield database.commit
