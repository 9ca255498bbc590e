"""A scheduled full run reads twenty records by their ids first, reports the columns that differ, and corrects them."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.contacts import Contact
from domain.deletions import RecordKind
from domain.lists import SetAside
from domain.runs import Mode, Phase
from domain.truth_check import CHECKED_COLUMNS, RECORDS
from sandbox.zoho import commands as ask
from sandbox.zoho.commands import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench, Row
from tests.process_logs import logs_of_a_process
from workers.budget import BudgetWait, WaitReason
from workers.cli.app import app
from workers.counters import Family, totals
from workers.sync.work import Work

#: Calls for one record.
DETAILS = (CallKind.CONTACT, CallKind.INVOICE)

_KEYS = {"customers_cache": "zoho_customer_id", "invoices_cache": "zoho_invoice_id"}


@pytest.fixture
def aged(bench: Bench) -> Bench:
    """Synced, and all of it was observed days ago; the records with the smallest ids come first."""
    bench.sync(Mode.FULL)
    a_night_passes(bench)
    return bench


def a_night_passes(bench: Bench) -> None:
    """Everything that was observed and checked is a day older."""
    day = "interval '1 day'"
    for table, key in _KEYS.items():
        bench.rows(
            f"UPDATE {table} SET observed_at = date_trunc('day', observed_at) - {day},"
            f" truth_checked_at = truth_checked_at - {day} WHERE {key} <> '' RETURNING id"
        )
    bench.rows(f"UPDATE zoho_connections SET truth_checked_at = truth_checked_at - {day} RETURNING id")


def come_first(bench: Bench, table: str, record_ids: list[str]) -> None:
    """The next check asks for these records."""
    assert len(record_ids) <= RECORDS // 2
    sql = f"UPDATE {table} SET observed_at = '2020-01-01', truth_checked_at = NULL WHERE {_KEYS[table]} = ANY(%(ids)s)"
    assert len(bench.rows(f"{sql} RETURNING id", ids=record_ids)) == len(record_ids)


def overwrite(bench: Bench, table: str, record_id: str, column: str, value: str) -> None:
    sql = f"UPDATE {table} SET {column} = {value} WHERE {_KEYS[table]} = %(id)s RETURNING id"
    assert bench.rows(sql, id=record_id)


def check(bench: Bench) -> Row:
    """The first step of a nightly run; what its check found."""
    step = bench.start(Mode.FULL, is_scheduled=True)
    bench.skip_waiting()
    bench.take(step)
    return found(bench)


def found(bench: Bench) -> Row:
    (row,) = bench.rows("SELECT truth_check FROM zoho_connections")
    result: Row = row["truth_check"] or {}
    return result


def asked(bench: Bench) -> int:
    return sum(bench.zoho.stats().count(kind) for kind in DETAILS)


def contents(rows: dict[str, Row], table: str) -> dict[str, Row]:
    kind = RecordKind.CUSTOMER if table == "customers_cache" else RecordKind.INVOICE
    return {key: {column: row[column] for column in CHECKED_COLUMNS[kind]} for key, row in rows.items()}


def customers_with_persons(bench: Bench) -> list[str]:
    rows = bench.customers()
    return sorted(key for key, row in rows.items() if row["contact_persons"] and row["status"] == "active")


def test_an_untouched_cache_equals_zoho_for_twenty_calls(aged: Bench) -> None:
    aged.zoho.reset_stats()
    result = check(aged)
    assert (result["asked"], result["checked"], result["drifted"]) == (RECORDS, RECORDS, {})
    assert [aged.zoho.stats().count(kind) for kind in DETAILS] == [RECORDS // 2, RECORDS // 2]


#: Columns, and what another program writes there.
_CUSTOMERS = {
    "status": "'inactive'",
    "customer_name": "customer_name || ' & Sons'",
    "company_name": "company_name || ' Ltd'",
    "primary_contact_person_id": "'1'",
    "primary_phone": "'+442070313000'",
    "phone_problem": "'not_a_number'",
    "primary_email": "'somebody@example.com'",
    "time_zone": "'Pacific/Chatham'",
    "contact_persons": "jsonb_set(contact_persons, '{0,last_name}', '\"Somebody\"')",
    "sync_hash": "'x'",
}
_INVOICES = {
    "zoho_customer_id": "'1'",
    "customer_id": "(SELECT max(id::text)::uuid FROM customers_cache WHERE id <> customer_id)",
    "invoice_number": "NULL",
    "status": "'written_off'",
    "date": "date - 1",
    "due_date": "NULL",
    "expected_payment_date": "'2031-01-01'",
    "total": "total + 0.01",
    "balance": "balance + 0.01",
    "currency_code": "'XTS'",
}
#: What only details have, as a rule: found once the details of the present version were read.
_DETAILS = {
    "country_code": "'XK'",
    "address_state": "'Elsewhere'",
    "address_postcode": "'00000'",
    "payment_reminder_enabled": "NOT payment_reminder_enabled",
    "unused_credits": "coalesce(unused_credits, 0) + 5",
    "credits_currency": "'XTS'",
}
_FACTS = {
    "ach_payment_initiated": "NOT ach_payment_initiated",
    "unprocessed_payment": "coalesce(unprocessed_payment, 0) + 5",
    "sub_status": "'cs_overwritten'",
    "payment_reminder_enabled": "NOT payment_reminder_enabled",
}


def overwrite_each(bench: Bench, table: str, record_ids: list[str], values: dict[str, str]) -> dict[str, int]:
    """Another program writes one column of each record; what the check should find."""
    chosen = record_ids[: len(values)]
    for record_id, (column, value) in zip(chosen, values.items(), strict=True):
        overwrite(bench, table, record_id, column, value)
    come_first(bench, table, chosen)
    return {f"{table.removesuffix('_cache')}.{column}": 1 for column in values}


def test_what_another_program_has_written_is_named_by_column_and_corrected(aged: Bench) -> None:
    before = contents(aged.customers(), "customers_cache"), contents(aged.invoices(), "invoices_cache")
    drifted = overwrite_each(aged, "customers_cache", customers_with_persons(aged), _CUSTOMERS)
    drifted |= overwrite_each(aged, "invoices_cache", sorted(before[1]), _INVOICES)
    result = check(aged)
    assert result["drifted"] == drifted
    assert (len(result["customers"]), len(result["invoices"])) == (len(_CUSTOMERS), len(_INVOICES))
    after = contents(aged.customers(), "customers_cache"), contents(aged.invoices(), "invoices_cache")
    for was, became, ids in zip(before, after, (result["customers"], result["invoices"]), strict=True):
        for record_id in ids:
            learnt = was[record_id].keys() - _DETAILS.keys() - _FACTS.keys()
            assert {column: became[record_id][column] for column in learnt} == {
                column: was[record_id][column] for column in learnt
            }


def read_details_of(bench: Bench, customers: list[str], invoices: list[str]) -> None:
    come_first(bench, "customers_cache", customers)
    come_first(bench, "invoices_cache", invoices)
    bench.sync(Mode.FULL, is_scheduled=True)
    a_night_passes(bench)


def test_facts_of_details_are_compared_once_the_details_are_read(aged: Bench) -> None:
    customers, invoices = customers_with_persons(aged)[: len(_DETAILS)], sorted(aged.invoices())[: len(_FACTS)]
    read_details_of(aged, customers, invoices)
    before = contents(aged.customers(), "customers_cache"), contents(aged.invoices(), "invoices_cache")
    drifted = overwrite_each(aged, "customers_cache", customers, _DETAILS)
    drifted |= overwrite_each(aged, "invoices_cache", invoices, _FACTS)
    result = check(aged)
    assert result["drifted"].items() >= drifted.items()
    # The address decides by which clocks the number rings.
    assert result["drifted"].keys() - drifted.keys() <= {"customers.time_zone"}
    after = contents(aged.customers(), "customers_cache"), contents(aged.invoices(), "invoices_cache")
    assert {key: after[0][key] for key in customers} == {key: before[0][key] for key in customers}
    for key in invoices:
        was, became = ({**rows[1][key], "unprocessed_payment": None} for rows in (before, after))
        assert became == was
        assert not after[1][key]["unprocessed_payment"]  # 0 and NULL say the same.


def test_what_zoho_changed_without_moving_its_time_is_named_and_corrected(aged: Bench) -> None:
    customer, owed = customers_with_persons(aged)[:2]
    invoice = min(aged.invoices())
    person = aged.customers()[customer]["contact_persons"][0]["contact_person_id"]
    aged.zoho.edit_person(person, stamp_contact=False, email="new@example.com")
    aged.zoho.set_credits(owed, 77)
    stamp = aged.invoices()[invoice]["zoho_last_modified_at"]
    fields = ask.InvoiceFields(payment_expected_date="2031-01-01")
    aged.zoho.mutate(ask.EditInvoice(at=stamp, invoice_id=int(invoice), fields=fields))
    come_first(aged, "customers_cache", [customer, owed])
    come_first(aged, "invoices_cache", [invoice])
    result = check(aged)
    assert result["customers"] == [customer, owed]
    assert result["invoices"] == [invoice]
    assert result["drifted"].keys() >= {
        "customers.contact_persons",
        "customers.unused_credits",
        "invoices.expected_payment_date",
    }
    row = aged.customers()[customer]
    assert row["contact_persons"][0]["email"] == "new@example.com"
    assert aged.customers()[owed]["unused_credits"] == 77
    assert str(aged.invoices()[invoice]["expected_payment_date"]) == "2031-01-01"


def test_what_zoho_has_changed_since_the_last_sync_is_no_drift(aged: Bench) -> None:
    customer, invoice = customers_with_persons(aged)[0], min(aged.invoices())
    aged.zoho.edit_contact(customer, company_name="Renamed Ltd")
    aged.zoho.edit_invoice(invoice, payment_expected_date="2031-01-01")
    come_first(aged, "customers_cache", [customer])
    come_first(aged, "invoices_cache", [invoice])
    result = check(aged)
    assert (result["asked"], result["checked"], result["drifted"]) == (RECORDS, RECORDS - 2, {})
    assert aged.customers()[customer]["company_name"] == "Renamed Ltd"


def test_a_change_that_no_list_has_shown_is_drift(aged: Bench) -> None:
    invoice = min(aged.invoices())
    (row,) = aged.rows("SELECT last_invoice_sync_at FROM sync_metadata")
    fields = ask.InvoiceFields(payment_expected_date="2031-01-01")
    at = row["last_invoice_sync_at"] - timedelta(hours=1)
    aged.zoho.mutate(ask.EditInvoice(at=at, invoice_id=int(invoice), fields=fields))
    come_first(aged, "invoices_cache", [invoice])
    drifted = {"invoices.expected_payment_date": 1, "invoices.zoho_last_modified_at": 1}
    assert check(aged)["drifted"] == drifted


def test_a_row_that_another_process_writes_during_the_call_is_not_compared(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = customers_with_persons(aged)[0]
    come_first(aged, "customers_cache", [customer])
    ask_contact = Work.ask_contact

    def answer(work: Work, contact_id: str) -> Contact | SetAside | None:
        contact = ask_contact(work, contact_id)
        if contact_id == customer:
            overwrite(aged, "customers_cache", customer, "company_name", "'Written by a resync', observed_at = now()")
        return contact

    monkeypatch.setattr(Work, "ask_contact", answer)
    result = check(aged)
    assert (result["checked"], result["drifted"]) == (RECORDS - 1, {})


def test_an_invoice_that_became_overdue_is_no_drift(aged: Bench) -> None:
    customer = customers_with_persons(aged)[0]
    tomorrow = (datetime.now() + timedelta(days=1)).date()  # noqa: DTZ005
    invoice = aged.zoho.create_invoice(customer, due_date=tomorrow.isoformat())
    aged.sync(Mode.FULL)
    a_night_passes(aged)
    assert aged.invoices()[invoice]["status"] == "sent"
    aged.rows("UPDATE sync_metadata SET last_invoice_sync_at = now() + interval '3 days' RETURNING id")
    aged.zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=3 * 86_400)
    come_first(aged, "invoices_cache", [invoice])
    assert check(aged)["drifted"] == {}
    assert aged.invoices()[invoice]["status"] == "overdue"


@pytest.mark.parametrize(("mode", "is_scheduled"), [(Mode.FULL, False), (Mode.INCREMENTAL, True)])
def test_only_full_runs_of_the_scheduler_check(aged: Bench, mode: Mode, is_scheduled: bool) -> None:
    aged.zoho.reset_stats()
    bench_step = aged.start(mode, is_scheduled=is_scheduled)
    aged.take(bench_step)
    assert asked(aged) == 0
    assert found(aged) == {}


def test_a_first_run_checks_nothing(bench: Bench) -> None:
    step = bench.start(Mode.FULL, is_scheduled=True)
    bench.take(step)
    assert asked(bench) == 0


def test_records_that_were_just_read_are_not_checked(bench: Bench) -> None:
    bench.sync(Mode.FULL)
    bench.zoho.reset_stats()
    check(bench)
    assert asked(bench) == 0


def test_a_second_check_in_the_same_night_is_not_made(aged: Bench) -> None:
    aged.sync(Mode.FULL, is_scheduled=True)
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == 0


def test_over_some_nights_every_live_record_is_checked(aged: Bench) -> None:
    nights = 0
    while nights < 20 and aged.rows(
        """
        SELECT 1 AS left FROM customers_cache WHERE status <> 'deleted' AND truth_checked_at IS NULL
         UNION ALL SELECT 1 FROM invoices_cache WHERE status <> 'deleted' AND truth_checked_at IS NULL
        """
    ):
        check(aged)
        aged.rows("UPDATE sync_runs SET status = 'succeeded' RETURNING id")
        a_night_passes(aged)
        nights += 1
    records = max(len(aged.customers()), len(aged.invoices()))
    assert nights == -(-records // (RECORDS // 2))


def test_a_check_that_waits_for_the_budget_goes_on_where_it_stopped(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_invoice, calls = Work.ask_invoice, 0

    def waiting(work: Work, invoice_id: str) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise BudgetWait(30, WaitReason.MINUTE)
        return ask_invoice(work, invoice_id)

    monkeypatch.setattr(Work, "ask_invoice", waiting)
    aged.zoho.reset_stats()
    step = aged.start(Mode.FULL, is_scheduled=True)
    aged.take(step)
    present = aged.present_step()
    assert present is not None
    assert (present.phase, asked(aged), found(aged)) == (Phase.START, 7, {})
    aged.skip_waiting()
    aged.take(step)
    assert (asked(aged), found(aged)["checked"]) == (RECORDS, RECORDS)


def test_a_process_that_dies_repeats_one_call_at_most(aged: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    ask_invoice, calls = Work.ask_invoice, 0

    def killed(work: Work, invoice_id: str) -> Any:
        nonlocal calls
        calls += 1
        invoice = ask_invoice(work, invoice_id)
        if calls == 4:
            raise Killed
        return invoice

    monkeypatch.setattr(Work, "ask_invoice", killed)
    aged.zoho.reset_stats()
    step = aged.start(Mode.FULL, is_scheduled=True)
    with pytest.raises(Killed):
        aged.take(step)
    aged.rows("UPDATE sync_runs SET claimed_until = NULL WHERE status = 'running' RETURNING id")
    aged.take(step)
    assert (asked(aged), found(aged)["checked"]) == (RECORDS + 1, RECORDS)


@pytest.mark.parametrize(("spent", "calls"), [(700, RECORDS), (790, 0)])
def test_the_run_does_without_a_check_where_the_day_is_nearly_used(aged: Bench, spent: int, calls: int) -> None:
    aged.zoho.set_limits(requests_per_day=1000, spend_day=spent)
    aged.sync()  # Zoho reports what is left.
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == calls
    present = aged.present_step()
    assert present is not None
    assert present.phase is Phase.PERSONS


def test_a_wait_for_the_days_budget_ends_the_check_and_not_the_run(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> None:
        raise BudgetWait(3600, WaitReason.DAY)

    monkeypatch.setattr(Work, "ask_contact", wait)
    check(aged)
    present = aged.present_step()
    assert present is not None
    assert present.phase is Phase.PERSONS
    assert found(aged) == {}


def test_details_that_fail_cost_the_run_nothing_and_come_last_the_next_night(aged: Bench) -> None:
    aged.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=500, code=1000)
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    failed = {key for key, row in aged.customers().items() if row["truth_checked_at"] is not None}
    assert len(failed) == 3
    aged.zoho.clear_faults()
    a_night_passes(aged)
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    checked = {key for key, row in aged.customers().items() if row["truth_checked_at"] is not None}
    assert len(checked - failed) == RECORDS // 2


def test_a_record_that_is_gone_is_no_drift_and_is_marked_by_the_run(aged: Bench) -> None:
    invoice = min(aged.invoices())
    aged.zoho.delete_invoice(invoice)
    come_first(aged, "invoices_cache", [invoice])
    assert aged.sync(Mode.FULL, is_scheduled=True)["status"] == "succeeded"
    assert (found(aged)["asked"], found(aged)["checked"], found(aged)["drifted"]) == (RECORDS, RECORDS - 1, {})
    assert aged.invoices()[invoice]["status"] == "deleted"


def test_phones_that_are_to_be_judged_by_new_rules_are_not_compared(aged: Bench) -> None:
    aged.rows("UPDATE zoho_connections SET phones_judged_with = '8.0.0' RETURNING id")
    aged.zoho.reset_stats()
    check(aged)
    assert asked(aged) == 0


class TestWhatIsReported:
    @pytest.fixture
    def drifted(self, aged: Bench) -> str:
        """The id of a customer whose e-mail another program has overwritten."""
        customer = customers_with_persons(aged)[0]
        overwrite(aged, "customers_cache", customer, "primary_email", "'overwritten@example.com'")
        come_first(aged, "customers_cache", [customer])
        return customer

    @pytest.mark.usefixtures("drifted")
    def test_metrics_count_records_and_columns(self, aged: Bench) -> None:
        before = totals(aged.resources.redis)
        check(aged)
        after = totals(aged.resources.redis)

        def counted(family: Family) -> dict[tuple[str, ...], int]:
            return {
                key: count - before[family][key] for key, count in after[family].items() if count != before[family][key]
            }

        assert counted(Family.TRUTH_CHECK_DRIFT) == {("customers", "primary_email"): 1}
        assert counted(Family.TRUTH_CHECK_RECORDS) == {
            ("customers", "drifted"): 1,
            ("customers", "equal"): RECORDS // 2 - 1,
            ("invoices", "equal"): RECORDS // 2,
        }

    def test_the_log_names_columns_and_ids_and_no_value(self, aged: Bench, drifted: str) -> None:
        with logs_of_a_process() as logs:
            check(aged)
        lines = [line for line in logs.lines if str(line.get("action", "")).startswith("truth_check.")]
        assert [line["action"] for line in lines] == ["truth_check.drift", "truth_check.done"]
        assert (lines[0]["record_id"], lines[0]["columns"]) == (drifted, ["primary_email"])
        assert "overwritten" not in json.dumps(lines)

    def test_status_says_what_differed_and_what_is_next(self, aged: Bench, drifted: str) -> None:
        check(aged)
        line = f"Truth check: 1 of {RECORDS} records differed (customers.primary_email 1), corrected, "
        answer = status()
        assert line in answer
        assert f"Next: booksync verify {aged.connection_id}" in answer
        told = status_json()
        assert (told["checked"], told["different"]) == (RECORDS, 1)
        assert (told["drifted"], told["customers"]) == ({"customers.primary_email": 1}, [drifted])

    def test_status_says_that_all_is_equal(self, aged: Bench) -> None:
        assert "Truth check: none yet." in status()
        assert status_json() is None
        check(aged)
        assert f"Truth check: {RECORDS} of {RECORDS} records equal Zoho, " in status()
        assert status_json()["different"] == 0


def status() -> str:
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def status_json() -> Any:
    result = CliRunner().invoke(app, ["status", "--json"])
    return json.loads(result.stdout)["connections"][0]["truth_check"]
