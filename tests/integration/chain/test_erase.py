"""`booksync erase` deletes every row of a connection in batches, and leaves a receipt without personal data."""

import threading
import uuid

import pytest
import structlog

from db import do_not_call, erasures, runs
from db.erasures import ERASED
from db.lease_errors import LeaseLostError
from domain.reminders.opening import Backlog
from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from tests.drilled import drilled_except
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import another_user, name_of, refusal_of, result_of, run, status_of
from workers.services.connect import connect_organization
from workers.services.erase import erase
from workers.services.pause import pause

CONNECTED = """
    SELECT table_schema || '.' || table_name AS name FROM information_schema.columns AS found
     WHERE column_name = 'connection_id' AND table_schema IN ('booksync', 'public')
       AND EXISTS (SELECT FROM information_schema.tables WHERE table_type = 'BASE TABLE'
                    AND (table_schema, table_name) = (found.table_schema, found.table_name))
     ORDER BY 1
"""

#: The tables whose rows outlive their connection: the receipt, and who did what and when, without words.
OUTLIVING = {"booksync.erasure_receipts", "booksync.operator_actions"}


@pytest.fixture
def filled(bench: Bench) -> Bench:
    """A bench with rows in most tables, among them handovers with outcomes."""
    bench.open(Backlog.LATEST)
    bench.sync()
    bench.rows(
        """
        WITH made AS (
            INSERT INTO booksync.handovers (user_id, connection_id, phone, day, handed_over_at)
            SELECT user_id, id, '+442070313000', current_date, now() FROM booksync.zoho_connections RETURNING id
        ), sent AS (
            UPDATE reminders SET status = 'sent', handover_id = made.id, contact_id = made.id FROM made
             WHERE reminders.id = (SELECT min(id::text)::uuid FROM reminders WHERE status = 'scheduled')
            RETURNING reminders.id, invoice_id, customer_id, made.id AS handover_id
        )
        INSERT INTO booksync.handover_outcomes (handover_id, reminder_id, invoice_id, customer_id, phone_text, outcome)
        SELECT handover_id, id, invoice_id, customer_id, '+442070313000', 'reached' FROM sent RETURNING handover_id
        """
    )
    result_of("policy", "set", str(bench.connection_id), "--max-age", "300")
    bench.rows(
        """
        INSERT INTO booksync.rejected_records (connection_id, kind, reason)
        SELECT id, 'contact', 'unreadable' FROM booksync.zoho_connections RETURNING id
        """
    )
    return bench


def rows_left(bench: Bench) -> dict[str, int]:
    """Table → rows of the connection, for each table that refers to connections, and for those of its runs."""
    left = {
        row["name"]: bench.rows(
            f"SELECT count(*) FROM {row['name']} WHERE connection_id = %(id)s", id=bench.connection_id
        )[0]["count"]
        for row in bench.rows(CONNECTED)
        if row["name"] not in OUTLIVING
    }
    for table in ("reminders", "booksync.handover_outcomes", "booksync.staged_pages", "booksync.seen_records"):
        left[table] = bench.rows(f"SELECT count(*) FROM {table}")[0]["count"]
    return {table: count for table, count in left.items() if count}


@pytest.mark.slow
def test_no_row_of_the_connection_is_left(filled: Bench) -> None:
    before = rows_left(filled)
    assert len(before) >= 8
    receipt = result_of("erase", str(filled.connection_id), "--yes")
    assert rows_left(filled) == {}
    assert filled.rows("SELECT id FROM booksync.zoho_connections") == []
    counts = receipt["counts"]
    assert counts["customers_cache"] == before["booksync.customers_cache"]
    assert counts["invoices_cache"] == before["public.invoices_cache"]
    assert (counts["handover_outcomes"], counts["zoho_connections"]) == (1, 1)
    assert receipt["finished_at"] is not None
    assert receipt["revocation"] == "revoked"


def test_tables_that_refer_to_connections_are_all_known(bench: Bench) -> None:
    known = {each.table if "." in each.table else f"public.{each.table}" for each in ERASED}
    assert {row["name"] for row in bench.rows(CONNECTED)} - OUTLIVING == known


@pytest.mark.slow
def test_the_user_and_the_do_not_call_numbers_stay_in_force(filled: Bench) -> None:
    (row,) = filled.rows("SELECT user_id FROM booksync.zoho_connections")
    phone = filled.rows("SELECT phone FROM reminders WHERE status = 'scheduled' LIMIT 1")[0]["phone"]
    with filled.resources.engine.begin() as db:
        do_not_call.add(db, row["user_id"], phone, "asked us")
    erase(filled.resources, filled.connection_id)
    assert [str(each["id"]) for each in filled.rows("SELECT id FROM users")] == [str(row["user_id"])]
    again = connect_organization(
        filled.resources,
        user_id=row["user_id"],
        organization_id=filled.zoho.organization_id,
        data_center="com",
        grant_code=filled.zoho.grant_code(),
    )
    assert again.connection_id != filled.connection_id
    revived = Bench(filled.resources, filled.zoho, again.connection_id)
    revived.open(Backlog.LATEST)
    revived.sync()
    assert revived.rows("SELECT id FROM reminders WHERE status = 'scheduled'") != []
    assert revived.rows("SELECT id FROM reminders WHERE phone = %(phone)s AND status = 'scheduled'", phone=phone) == []


@pytest.mark.slow
def test_another_users_connection_to_the_organisation_is_unchanged(filled: Bench) -> None:
    other = another_user(filled)
    other.sync()
    before = rows_left(other)
    erase(filled.resources, filled.connection_id)
    after = rows_left(other)
    for table in ("booksync.customers_cache", "public.invoices_cache", "public.sync_metadata"):
        assert after[table] == before[table]
    assert other.sync(Mode.FULL)["status"] == "succeeded"


@pytest.mark.slow
def test_the_receipt_has_no_personal_data_and_no_name(filled: Bench) -> None:
    name = name_of(filled)
    erase(filled.resources, filled.connection_id)
    (row,) = filled.rows("SELECT * FROM booksync.erasure_receipts")
    assert set(row) == {"connection_id", "begun_at", "finished_at", "counts"}
    assert all(isinstance(count, int) for count in row["counts"].values())
    assert name not in str(row)


def test_logs_and_dead_letters_have_ids_and_no_name(bench: Bench) -> None:
    run("rename", str(bench.connection_id), "Main books")
    with structlog.testing.capture_logs() as logs:
        pause(bench.resources.engine, bench.connection_id, "year-end audit")
        bench.zoho.fault(FaultName.TOKEN_ENDPOINT_DOWN)
        erase(bench.resources, bench.connection_id)
    assert {line["action"] for line in logs} >= {"connection.disconnected", "connection.erased"}
    said = str(logs) + str(bench.rows("SELECT * FROM booksync.dead_letters"))
    for text in ("Main books", name_of(bench), "year-end audit"):
        assert text not in said


@pytest.mark.parametrize("typed", ["name", "number"])
def test_the_organisations_name_or_number_confirms(bench: Bench, typed: str) -> None:
    given = name_of(bench).lower() if typed == "name" else bench.zoho.organization_id
    result = run("erase", str(bench.connection_id), given=f"{given}\n")
    assert (result.exit_code, bench.rows("SELECT id FROM booksync.zoho_connections")) == (0, [])


def test_json_cannot_ask_for_confirmation(bench: Bench) -> None:
    result = run("erase", str(bench.connection_id), "--json")
    assert result.exit_code == 2
    assert "give --yes too" in result.stderr
    assert bench.rows("SELECT id FROM booksync.zoho_connections")


@pytest.mark.parametrize("typed", ["yes", "", "\n"])
def test_anything_else_erases_nothing(bench: Bench, typed: str) -> None:
    result = run("erase", str(bench.connection_id), given=typed)
    assert (result.exit_code, status_of(bench)) == (1, "active")


def test_a_second_erasure_shows_the_receipt(bench: Bench) -> None:
    first = result_of("erase", str(bench.connection_id), "--yes")
    for called in (str(bench.connection_id), str(bench.connection_id)[:8]):
        again = result_of("erase", called)
        assert (again["counts"], again["finished_at"], again["erased_before"]) == (
            first["counts"],
            first["finished_at"],
            True,
        )
    refusal_of("erase", str(uuid.uuid4()), "--yes")


@pytest.mark.slow
def test_a_killed_erasure_is_continued_and_counts_every_row_once(
    filled: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "BATCH", 20)
    customers, invoices = len(filled.customers()), len(filled.invoices())

    class KilledError(BaseException):
        pass

    def kill(rows: int) -> None:
        if rows > invoices:
            raise KilledError

    with pytest.raises(KilledError):
        erase(filled.resources, filled.connection_id, on_progress=kill)
    assert status_of(filled) == "erasing"
    assert "Its rows are being erased" in run("status").stdout
    assert "Next: booksync erase" in refusal_of("disconnect", str(filled.connection_id))
    _, receipt = erase(filled.resources, filled.connection_id)
    assert (receipt.counts["customers_cache"], receipt.counts["invoices_cache"]) == (customers, invoices)
    assert rows_left(filled) == {}


def test_connecting_is_refused_during_an_erasure(bench: Bench) -> None:
    (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections")
    bench.rows("UPDATE booksync.zoho_connections SET status = 'erasing' RETURNING id")
    words = ("--user", str(row["user_id"]), "--organization", bench.zoho.organization_id)
    code = bench.zoho.grant_code()
    result = run("connect", *words, "--grant-code", "-", given=f"{code}\n")
    assert "being erased" in str(result.exception)
    # The grant code was not spent.
    words = ("--user", str(uuid.uuid4()), "--organization", bench.zoho.organization_id)
    assert result_of("connect", *words, "--grant-code", "-", given=f"{code}\n")["connection_id"]


@pytest.mark.parametrize("steps", drilled_except((0, 3, 5), range(6)))
def test_a_run_ends_quietly_when_its_connection_is_erased(bench: Bench, steps: int) -> None:
    step = bench.start(Mode.FULL)
    for _ in range(steps):
        bench.take(step)
        following = bench.present_step()
        assert following is not None
        step = following
    with bench.resources.engine.begin() as db:
        lease = runs.acquire(db, step.run_id, step.step, lease_seconds=60)
    assert lease is not None
    erase(bench.resources, bench.connection_id)
    with pytest.raises(LeaseLostError), bench.resources.engine.begin() as db:
        runs.advance(db, lease, sweep_seconds=0)
    bench.take(step)
    assert rows_left(bench) == {}


def test_a_step_under_way_while_its_connection_is_erased_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is erased while the step waits for Zoho's response."""
    step = bench.start(Mode.FULL)
    bench.take(step)
    following = bench.present_step()
    assert following is not None
    calling, erased = threading.Event(), threading.Event()
    respond = type(bench.resources.http).stream

    def stream(*arguments: object, **options: object) -> object:
        calling.set()
        assert erased.wait(30)
        return respond(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr("httpx.Client.stream", stream)
        worker = threading.Thread(target=bench.take, args=[following])
        worker.start()
        assert calling.wait(30)
    erase(bench.resources, bench.connection_id)
    erased.set()
    worker.join(30)
    assert rows_left(bench) == {}
    assert bench.rows("SELECT * FROM booksync.dead_letters") == []
