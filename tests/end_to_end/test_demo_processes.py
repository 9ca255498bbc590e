"""The demo's management of its processes: real processes in a real folder, with stand-ins for booksync's commands."""

import json
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.demos import UP, Demo, last_object
from tests.end_to_end.stand_ins import RUN_WITH_STAND_INS, STAND_INS
from tests.processes import all_gone
from tests.shared import made_once

pytestmark = pytest.mark.slow

#: The report on the result of a background sync.
REPORT = "1 customer updated, 2 invoices new (2 API calls)"

Start = Callable[..., Demo]
Ended = tuple[int, str, str]


def demo_of(folder: Path, *arguments: str, **env: str) -> Demo:
    """Start a demo with the stand-ins in this folder."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, script in STAND_INS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{script}")
        (programs / name).chmod(0o755)
    small = ["--contacts", "20", "--invoices", "30", "--folder", str(folder / "demo")]
    return Demo([sys.executable, "-c", RUN_WITH_STAND_INS, str(programs), *small, *arguments], env)


@contextmanager
def ending(demo: Demo) -> Iterator[Demo]:
    """The demo, which is killed if the block fails."""
    try:
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()


@pytest.fixture
def start(tmp_path: Path, demos: list[Demo]) -> Start:
    """Start a demo, in the same folder each time."""

    def start(*arguments: str, **env: str) -> Demo:
        demos.append(demo_of(tmp_path, *arguments, **env))
        return demos[-1]

    return start


@dataclass(frozen=True)
class Starts:
    """The exit code, stdout and stderr of demos that were started one after the other in one folder."""

    as_json: Ended
    as_json_again: Ended
    with_another_size: Ended
    for_people: Ended
    most_processes: int  #: the number while the demo for people ran
    left_no_process: bool  #: at the end of the demo for people
    fresh_as_json: Ended


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    return made_once(tmp_path_factory, "starts", _starts)


def _starts(folder: Path) -> Starts:
    def ended(*arguments: str) -> Ended:
        return demo_of(folder, "--once", *arguments).finish()

    as_json, again = ended("--json"), ended("--json")
    another_size = ended("--contacts", "21")
    with ending(demo_of(folder, "--once")) as demo:
        demo.wait_until_it_says("Connected")
        family = demo.processes()
        for_people = demo.finish()
    gone = all_gone(family, seconds=0.0)
    return Starts(as_json, again, another_size, for_people, len(family), gone, ended("--json", "--fresh"))


@dataclass(frozen=True)
class Stay:
    """The results of a demo that ran until Ctrl-C, and of a second one that was started in its folder."""

    folder: Path
    pid: int
    second: Ended
    modes: tuple[int, int]  #: of the file with the environment, and of the key
    ended: Ended
    left_no_process: bool


@pytest.fixture(scope="session")
def stay(tmp_path_factory: pytest.TempPathFactory) -> Stay:
    return made_once(tmp_path_factory, "stay", _stay)


def _stay(folder: Path) -> Stay:
    with ending(demo_of(folder)) as demo:
        demo.wait_until_it_says(UP)
        second = demo_of(folder).finish()
        environment = folder / "demo" / "env"
        settings = dict(line.split("=", 1) for line in environment.read_text().splitlines())
        with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "INSERT INTO booksync.sync_runs SELECT id, now(), 'incremental', 'succeeded', %s, 2 FROM connections",
                [json.dumps({"customers_updated": 1, "invoices_new": 2})],
            )
        demo.wait_until_it_says(REPORT)
        files = (environment, folder / "demo" / "encryption.key")
        of_settings, of_key = (stat.S_IMODE(file.stat().st_mode) for file in files)
        family = demo.processes()
        os.killpg(demo.process.pid, signal.SIGINT)  # Like a terminal: to the whole foreground group.
        ended = demo.finish()
    return Stay(folder, demo.process.pid, second, (of_settings, of_key), ended, all_gone(family, seconds=0.0))


class TestOnce:
    def test_the_demo_prints_one_json_object_on_stdout_and_all_texts_on_stderr(self, starts: Starts) -> None:
        code, out, err = starts.as_json
        assert code == 0, err
        assert len(out.splitlines()) == 1
        assert last_object(out)["customers"]["total"] == 9
        assert "90.0% saved" in err

    def test_the_object_has_the_previewed_funnel_and_the_handover_after_the_opening(self, starts: Starts) -> None:
        facts = last_object(starts.as_json[1])
        assert [stage["invoices"] for stage in facts["funnel"]] == [6, 5, 5, 5]
        assert facts["backlog_counts"]["latest"] == {"invoices": 2, "calls": 1}
        assert facts["tomorrow"] == {"day": "2026-11-27", "calls": 3}
        assert (facts["handover"], facts["backlog"], facts["waiting_calls"]) == ("open", "latest", 4)

    def test_the_object_has_no_phone_number(self, starts: Starts) -> None:
        assert "+14155550126" not in starts.as_json[1]

    def test_the_demo_reports_that_it_opens_its_own_connection_and_how_a_real_one_is_opened(
        self, starts: Starts
    ) -> None:
        out = starts.for_people[1]
        assert "The demo opened its own connection, with --backlog latest" in out
        assert "A real connection stays closed until a person has looked at the preview." in out

    def test_the_demo_shows_its_result_to_people(self, starts: Starts) -> None:
        code, out, err = starts.for_people
        assert (code, err) == (0, "")
        assert "3 API calls instead of 30, one an invoice: 90.0% saved" in out
        assert "The customer has no phone number" in out

    def test_the_demo_leaves_no_process_behind(self, starts: Starts) -> None:
        assert starts.most_processes > 10
        assert starts.left_no_process

    def test_a_second_start_uses_the_same_user_and_connection_unless_fresh(self, starts: Starts) -> None:
        first, second, third = (
            last_object(out)["connection"] for _, out, _ in (starts.as_json, starts.as_json_again, starts.fresh_as_json)
        )
        assert first == second
        assert third != first

    def test_another_size_needs_a_fresh_start(self, starts: Starts) -> None:
        code, _, err = starts.with_another_size
        assert code == 1
        assert "made with 20 contacts and 30 invoices: add --fresh" in err


class TestStaying:
    def test_the_demo_runs_until_ctrl_c_which_ends_all_processes(self, stay: Stay) -> None:
        assert stay.modes == (0o600, 0o600)
        code, out, err = stay.ended
        assert (code, err) == (0, "")
        assert "Stopping" in out
        assert stay.left_no_process
        assert not (stay.folder / "demo" / "env").exists()

    def test_a_killed_demo_leaves_nothing_behind_and_can_start_again_at_once(self, start: Start) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        family = demo.processes()
        demo.process.kill()
        assert start("--once").finish()[0] == 0
        assert all_gone(family, seconds=0.0)

    def test_the_demo_restarts_processes_that_die(self, start: Start) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        for words, name in {
            ("dramatiq",): "worker",
            ("uvicorn",): "web process",
            ("booksync", "scheduler"): "scheduler",
            ("sandbox.zoho",): "Zoho simulator",
            ("valkey-server",): "Valkey",
            ("bin/postgres",): "Postgres",
        }.items():
            demo.running(*words).kill()
            demo.wait_until_it_says(f"The {name}")
        demo.process.terminate()
        assert demo.finish()[0] == 0

    def test_the_demo_reports_the_results_of_background_syncs(self, stay: Stay) -> None:
        assert REPORT in stay.ended[1]

    def test_a_second_demo_in_the_same_folder_is_refused(self, stay: Stay) -> None:
        code, out, err = stay.second
        assert (code, out) == (1, "")
        assert f"A demo already runs in {demo_folder(err)} (process {stay.pid})" in err


class TestFailures:
    def test_a_worker_that_cannot_run_is_reported_in_one_sentence(self, start: Start) -> None:
        code, _, err = start("--json", FAIL_WORKER="yes").finish()
        assert code == 1
        assert "The worker 1 ended 3 times in a row (exit code 3); its log is " in err or "The worker 2 ended" in err
        assert "Traceback" not in err

    def test_a_sync_that_fails_is_reported_in_one_sentence(self, start: Start) -> None:
        code, out, err = start("--once", "--json", FAIL_SYNC="yes").finish()
        assert (code, out) == (1, "")
        assert "booksync sync ended with exit code 1 (Zoho refuses the connection.); its log is " in err
        assert err.count("Traceback") == 0

    @pytest.mark.drill
    def test_a_preview_that_fails_is_reported_in_one_sentence(self, start: Start) -> None:
        code, out, err = start("--once", "--json", FAIL_PREVIEW="yes").finish()
        assert (code, out) == (1, "")
        assert "booksync reminders preview ended with exit code 1 (The database is away.); its log is " in err
        assert "Traceback" not in err

    def test_a_folder_with_other_content_is_unchanged(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo" / "precious").touch()
        code, _, err = start("--fresh").finish()
        assert code == 1
        assert "holds files that are not a demo's" in err
        assert [path.name for path in (tmp_path / "demo").iterdir()] == ["precious"]

    def test_a_database_from_the_environment_is_used_and_its_absence_reported(
        self, start: Start, tmp_path: Path
    ) -> None:
        code, _, err = start("--once", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").finish()
        assert code == 1
        assert "booksync migrate ended with exit code 1" in err
        assert not (tmp_path / "demo" / "postgres").exists()


def demo_folder(err: str) -> str:
    return err.partition("already runs in ")[2].partition(" ")[0]
