"""The demo as people run it, with booksync's own commands: its promises as a whole."""

import sys
from pathlib import Path

import pytest

from tests.end_to_end.demos import UP, Demo, last_object
from tests.processes import all_gone

pytestmark = pytest.mark.slow


class TestTheRealThing:
    def test_the_first_sync_writes_everything_and_a_second_one_writes_nothing(
        self, tmp_path: Path, demos: list[Demo]
    ) -> None:
        folder = tmp_path / "demo"
        command = [sys.executable, "-m", "sandbox.demo", "--once", "--json", "--folder", str(folder)]
        size = ["--contacts", "60", "--invoices", "150"]
        told = []
        for arguments in (size, []):
            demos.append(Demo([*command, *arguments], {}))
            code, out, err = demos[-1].finish(150)
            assert code == 0, err
            told.append(last_object(out))
        first, second = told
        assert first["status"] == second["status"] == "succeeded"
        assert first["connection_id"] == second["connection_id"]
        for kind in ("customers", "invoices"):
            assert first[kind]["new"] == first[kind]["total"] == second[kind]["unchanged"] > 0
            assert second[kind]["new"] == second[kind]["updated"] == 0
        assert first["invoices"]["total"] == 150
        for facts in told:
            to_come = next(stage for stage in facts["funnel"] if stage["stage"] == "to_come")
            assert facts["reminders"]["scheduled"] == to_come["invoices"] > 0
        # The first start has opened the connection, with the backlog; the second start does not change the opening.
        assert second["reminders"]["scheduled"] > first["reminders"]["scheduled"]
        assert first["handover"] == second["handover"] == "open"
        assert first["opened_at"] == second["opened_at"]
        assert first["api_calls"] < first["api_calls_one_per_invoice"] / 5
        assert not [log.name for log in (folder / "logs").glob("*.log") if "Traceback" in log.read_text()]

    @pytest.mark.drill
    def test_the_demo_reports_changes_in_zoho_until_it_is_ended(self, tmp_path: Path, demos: list[Demo]) -> None:
        command = [sys.executable, "-m", "sandbox.demo", "--contacts", "60", "--invoices", "150"]
        demo = Demo([*command, "--folder", str(tmp_path / "demo")], {"SYNC_INTERVAL_SECONDS": "1"})
        demos.append(demo)
        demo.wait_until_it_says(UP, 150)
        demo.wait_until_it_says("with a scheduled reminder", 120)
        family = demo.processes()
        demo.process.terminate()
        assert demo.finish(15)[0] == 0
        assert all_gone(family, seconds=0.0)
