"""A lasting failure of Postgres: the work waits minutes, spends no attempt, and continues by itself."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from db import webhook_events
from domain.entities import CUSTOMER
from domain.webhooks import Event, EventKind
from tests.integration.chain.bench import Bench
from workers.sync.refreshes import refresh_record

STATES = {
    "53100": "Postgres has no disk space left, so work is deferred",
    "42501": "This installation is set up wrongly, so work is deferred until an operator acts",
}


def execute(bench: Bench, statements: str) -> None:
    with bench.resources.engine.begin() as db:
        db.exec_driver_sql(statements)


def refuse_customers(bench: Bench, sqlstate: str) -> None:
    execute(
        bench,
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}';
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON booksync.customers_cache EXECUTE FUNCTION refuse();
        """,
    )


def accept_customers(bench: Bench) -> None:
    execute(bench, "DROP TRIGGER refuse ON booksync.customers_cache")


def take_until_it_waits(bench: Bench) -> None:
    while True:
        bench.skip_waiting()
        step = bench.present_step()
        assert step is not None
        bench.take(step)
        if bench.rows("SELECT id FROM booksync.sync_runs WHERE not_before > now() + interval '1 minute'"):
            return


def a_run(bench: Bench) -> None:
    bench.start()
    take_until_it_waits(bench)
    bench.skip_waiting()
    take_until_it_waits(bench)


def a_webhooks_record(bench: Bench) -> None:
    contact_id = next(each["contact_id"] for each in bench.zoho.snapshot()["contacts"] if each["contact_persons"])
    with bench.resources.engine.begin() as db:
        event = Event("contact", contact_id, EventKind.CHANGED, None, None)
        webhook_events.receive(db, bench.connection_id, event)
    refresh_record(bench.resources, str(bench.connection_id), CUSTOMER, contact_id)


TABLES: dict[Callable[[Bench], None], str] = {a_run: "booksync.sync_runs", a_webhooks_record: "booksync.refreshes"}


@pytest.mark.parametrize("sqlstate", STATES)
@pytest.mark.parametrize("work", TABLES)
def test_the_work_waits_five_minutes_and_names_the_failure(
    bench: Bench, work: Callable[[Bench], None], sqlstate: str
) -> None:
    refuse_customers(bench, sqlstate)
    with capture_logs() as logs:
        work(bench)
    (row,) = bench.rows(
        f"SELECT attempts, waiting_for, extract(epoch FROM not_before - now())::float AS seconds FROM {TABLES[work]}"
    )
    assert (row["attempts"], row["seconds"]) == (0, pytest.approx(300, abs=20))
    assert sqlstate in row["waiting_for"]
    events = {line["event"] for line in logs if str(line["action"]).endswith(".blocked")}
    assert events == {STATES[sqlstate]}


@pytest.mark.slow
def test_a_run_continues_when_the_disk_has_space_again(bench: Bench) -> None:
    refuse_customers(bench, "53100")
    a_run(bench)
    accept_customers(bench)
    while (step := bench.present_step()) is not None:
        bench.skip_waiting()
        bench.take(step)
    assert bench.rows("SELECT status FROM booksync.sync_runs") == [{"status": "succeeded"}]
