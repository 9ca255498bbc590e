"""A further entity, registered in these tests only, is synced, verified, refreshed and marked deleted like invoices."""

import pytest

from db import held_deletions
from domain.deletions import SAFEGUARD_COUNT
from domain.runs import Mode
from tests.integration.chain.bench import Bench, Row
from tests.integration.credit_notes.record import CREDIT_NOTE
from tests.integration.credit_notes.upstream import CreditNotesTransport
from tests.integration.webhooks.hooks import Hooks
from workers.services.verify import Verification


def cached(bench: Bench) -> dict[str, Row]:
    rows = bench.rows("SELECT * FROM booksync.credit_notes_cache")
    return {row["zoho_credit_note_id"]: row for row in rows}


def drift(bench: Bench) -> tuple[int, int]:
    """The records that differ, and all in Zoho."""
    found = Verification(bench.resources, bench.connection_id).run().compared[CREDIT_NOTE].drift
    return found.count, found.zoho


@pytest.fixture
def synced(bench: Bench, upstream: CreditNotesTransport) -> Bench:
    for number in range(1, 4):
        upstream.put(str(number))
    assert bench.sync()["status"] == "succeeded"
    upstream.calls.clear()
    return bench


def test_a_full_run_caches_the_whole_list(bench: Bench, upstream: CreditNotesTransport) -> None:
    for number in range(1, 251):
        upstream.put(str(number), total=number)
    assert bench.sync()["status"] == "succeeded"
    assert {key: row["total"] for key, row in cached(bench).items()} == {str(each): each for each in range(1, 251)}
    assert upstream.calls == ["/creditnotes", "/creditnotes"]
    assert drift(bench) == (0, 250)


@pytest.mark.slow
def test_an_incremental_run_reads_what_has_changed_and_writes_what_differs(
    synced: Bench, upstream: CreditNotesTransport
) -> None:
    before = cached(synced)
    upstream.put("2", balance=40)
    upstream.put("4")
    assert synced.sync()["status"] == "succeeded"
    assert upstream.calls == ["/creditnotes"]
    (run,) = synced.rows("SELECT counters FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1")
    assert (run["counters"]["credit_notes_new"], run["counters"]["credit_notes_updated"]) == (1, 1)
    assert cached(synced)["2"]["balance"] == 40
    assert {key: cached(synced)[key] for key in ("1", "3")} == {key: before[key] for key in ("1", "3")}
    own = synced.rows("SELECT entity FROM booksync.entity_watermarks WHERE entity NOT IN ('contact', 'invoice')")
    assert own == [{"entity": "creditnote"}]


@pytest.mark.slow
def test_a_row_that_cannot_be_understood_is_rejected_by_its_id(synced: Bench, upstream: CreditNotesTransport) -> None:
    upstream.put("2", last_modified_time="soon", total="a lot")
    upstream.put("4")
    assert synced.sync(Mode.FULL)["status"] == "succeeded"
    rejected = synced.rows("SELECT kind, record_id FROM booksync.rejected_records")
    assert rejected == [{"kind": "creditnote", "record_id": "2"}]
    assert {key: row["status"] for key, row in cached(synced).items()} == dict.fromkeys("1234", "open")


@pytest.mark.slow
def test_a_webhook_refreshes_one_record(synced: Bench, hooks: Hooks, upstream: CreditNotesTransport) -> None:
    record = upstream.put("2", balance=7)
    assert hooks.send({"creditnote": record}).status_code == 202
    hooks.work()
    assert (cached(synced)["2"]["balance"], upstream.calls) == (7, ["/creditnotes/2"])
    assert {row["entity"] for row in hooks.events()} == {"creditnote"}


@pytest.mark.slow
def test_a_deleted_event_and_a_404_mark_the_record(synced: Bench, hooks: Hooks, upstream: CreditNotesTransport) -> None:
    del upstream.records["2"]
    hooks.tell(CREDIT_NOTE, "2", event="deleted")
    hooks.work()
    assert {key: row["status"] for key, row in cached(synced).items()} == {"1": "open", "2": "deleted", "3": "open"}
    assert drift(synced) == (0, 2)


@pytest.mark.slow
def test_a_full_run_marks_a_record_that_is_gone_and_a_later_one_revives_it(
    synced: Bench, upstream: CreditNotesTransport
) -> None:
    gone = upstream.records.pop("2")
    assert synced.sync(Mode.FULL)["status"] == "succeeded"
    assert cached(synced)["2"]["status"] == "deleted"
    upstream.put("2", **gone)
    assert synced.sync(Mode.FULL)["status"] == "succeeded"
    assert cached(synced)["2"]["status"] == "open"


@pytest.mark.slow
def test_suspiciously_many_gone_records_are_held_back(synced: Bench, upstream: CreditNotesTransport) -> None:
    for number in range(1, 31):
        upstream.put(str(number))
    synced.sync()
    for number in range(1, SAFEGUARD_COUNT + 2):
        del upstream.records[str(number)]
    result = synced.sync(Mode.FULL)
    assert (result["status"], "Suspiciously many credit notes" in result["reason"]) == ("degraded", True)
    with synced.resources.engine.connect() as db:
        standing = held_deletions.standing(db, synced.connection_id)
    assert standing.as_json()["credit_notes"] == SAFEGUARD_COUNT + 1


@pytest.mark.slow
def test_a_list_that_fails_does_not_stop_the_reminders(synced: Bench, upstream: CreditNotesTransport) -> None:
    upstream.is_broken = True
    result = synced.sync()
    assert result["status"] == "degraded"
    assert "Credit notes are not complete" in result["reason"]
    assert "Reminders" not in result["reason"]
