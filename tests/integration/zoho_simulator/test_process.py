"""Promises of the simulator's process: its start, saved data, restarts, and its end."""

import datetime as dt
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.process import running_simulator
from sandbox.zoho.stats import CallKind
from tests.integration.zoho_simulator.client import Client, start, wait_until


def test_the_ready_line_has_everything_that_a_client_needs() -> None:
    process, ready = start("--organizations", "2", "--contacts", "5", "--invoices", "5")
    with process:
        try:
            assert ready["url"].startswith("http://127.0.0.1:")
            assert (ready["client_id"], ready["client_secret"]) == ("sandbox-client", "sandbox-secret")
            assert [each["country_code"] for each in ready["organizations"]] == ["US", "IN"]
            first = ready["organizations"][0]
            assert first["refresh_token"] == f"sandbox-refresh-{first['organization_id']}"
        finally:
            process.kill()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_simulator_immediately_even_during_a_hanging_call(name: signal.Signals) -> None:
    process, ready = start("--contacts", "5", "--invoices", "5")
    with process, SandboxControl(ready["url"]) as zoho, ThreadPoolExecutor(1) as pool:
        client = Client(zoho)
        zoho.fault(FaultName.HANG, seconds=600)
        hanging = pool.submit(client.get, "/contacts")
        wait_until(lambda: zoho.stats().count(CallKind.CONTACTS) == 1)
        began = time.monotonic()
        process.send_signal(name)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 2
        with pytest.raises(httpx.TransportError):
            hanging.result(timeout=10)
        client.http.close()


@pytest.mark.slow
def test_a_second_start_keeps_the_data(tmp_path: Path) -> None:
    file = tmp_path / "zoho.json"
    with running_simulator(contacts=10, invoices=10, state=file) as zoho:
        contact_id = zoho.create_contact(contact_name="Kept")
        before = zoho.snapshot()
    with running_simulator(contacts=99, invoices=99, state=file) as zoho:
        assert zoho.snapshot() == before
        assert contact_id in {contact["contact_id"] for contact in before["contacts"]}


@pytest.mark.slow
def test_a_killed_simulator_has_saved_its_data(tmp_path: Path) -> None:
    file = tmp_path / "zoho.json"
    process, ready = start("--contacts", "10", "--invoices", "10", "--state", str(file))
    with process, SandboxControl(ready["url"]) as zoho:
        before = zoho.snapshot()
        wait_until(file.exists)
        os.kill(process.pid, signal.SIGKILL)
    with running_simulator(state=file) as zoho:
        assert zoho.snapshot()["contacts"] == before["contacts"]


def test_a_clock_that_is_behind_dates_responses_and_data() -> None:
    began, a_week = dt.datetime.now(dt.UTC).replace(microsecond=0), dt.timedelta(days=7)
    with running_simulator(contacts=50, invoices=0, behind_seconds=a_week.total_seconds()) as zoho:
        client = Client(zoho)
        with closing(client.http):
            dated = parsedate_to_datetime(client.get("/contacts").headers["Date"])
        assert began - a_week <= dated <= dt.datetime.now(dt.UTC) - a_week
        changes = [dt.datetime.fromisoformat(each["last_modified_time"]) for each in zoho.snapshot()["contacts"]]
        assert max(changes) <= dated


def test_drift_changes_records_over_time() -> None:
    with running_simulator(contacts=20, invoices=40, drift=0.05) as zoho:
        before = zoho.snapshot()
        wait_until(lambda: zoho.snapshot() != before)


def test_a_restart_resets_data_faults_limits_and_tokens() -> None:
    with running_simulator(contacts=10, invoices=10) as zoho:
        before = Client(zoho)
        zoho.create_contact(contact_name="Forgotten")
        zoho.fault(FaultName.ANSWER, status=500)
        zoho.set_limits(requests_per_minute=1)
        zoho.restart()
        assert zoho.faults() == []
        assert zoho.stats().arrivals == []
        assert "Forgotten" not in {contact["contact_name"] for contact in zoho.snapshot()["contacts"]}
        after = Client(zoho)
        with closing(before.http), closing(after.http):
            assert [after.get("/contacts").status_code for _ in range(3)] == [200] * 3
            assert before.get("/contacts").status_code == 401


@pytest.mark.slow
def test_a_restart_may_create_other_books() -> None:
    with running_simulator(contacts=10, invoices=10) as zoho:
        zoho.restart(contacts=0, invoices=0, organizations=2)
        assert (zoho.snapshot()["contacts"], len(zoho.organization_ids())) == ([], 2)
        zoho.restart()
        assert (len(zoho.snapshot()["contacts"]), len(zoho.organization_ids())) == (10, 1)


@pytest.mark.slow
def test_a_restart_from_a_saved_file_continues_with_its_books_and_tokens(tmp_path: Path) -> None:
    with running_simulator(contacts=10, invoices=10) as zoho:
        zoho.create_contact(contact_name="Remembered")
        before = Client(zoho)
        zoho.save(tmp_path / "books")
        zoho.create_contact(contact_name="Forgotten")
        zoho.restart(state=tmp_path / "books")
        names = {contact["contact_name"] for contact in zoho.snapshot()["contacts"]}
        assert ("Remembered" in names, "Forgotten" in names) == (True, False)
        with closing(before.http):
            assert before.get("/contacts").status_code == 200
