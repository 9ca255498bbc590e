"""The demo as a person runs it: real processes in a real folder, and what is left of them afterwards.

How it looks after its processes is tried with quick stand-ins for booksync's commands; what it promises as a whole,
with the commands themselves.
"""

import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

STAND_INS = {
    "booksync": """
import json, os, sys, time, urllib.parse, urllib.request, psycopg
def post(path, **form):
    data = urllib.parse.urlencode(form).encode()
    return json.load(urllib.request.urlopen(os.environ["ZOHO_ACCOUNTS_URL"] + path, data))
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
match sys.argv[1]:
    case "migrate":
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS sync_runs (connection_id uuid, finished_at timestamptz,"
                               " mode text, status text, counters jsonb, api_calls int, error text,"
                               " degraded_reason text)")
            connection.execute("CREATE TABLE IF NOT EXISTS reminders (user_id uuid, invoice_id uuid, status text)")
            connection.execute("CREATE TABLE IF NOT EXISTS connections (user_id text PRIMARY KEY,"
                               " id uuid DEFAULT gen_random_uuid())")
    case "connect":
        tokens = post("/oauth/v2/token", grant_type="authorization_code", code=option("--grant-code"),
                      client_id=os.environ["ZOHO_CLIENT_ID"], client_secret=os.environ["ZOHO_CLIENT_SECRET"])
        assert tokens["refresh_token"]
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            row = connection.execute("INSERT INTO connections VALUES (%s) ON CONFLICT (user_id)"
                                     " DO UPDATE SET user_id = excluded.user_id RETURNING id", [option("--user")])
            print(json.dumps({"connection_id": str(row.fetchone()[0]), "webhook_url": "", "webhook_secret": ""}))
    case "sync":
        if "FAIL_SYNC" in os.environ:
            sys.exit("Zoho refuses the connection.")
        print("some progress", file=sys.stderr)
        print("some words")
        counts = {"total": 9, "new": 9, "updated": 0, "unchanged": 0}
        print(json.dumps({"run_id": "r", "connection": sys.argv[2], "status": "succeeded", "seconds": 0.1,
                          "customers": counts | {"with_phone": 8}, "invoices": counts | {"skipped": 0},
                          "reminders": {"scheduled": 5, "skipped": {"no_phone": 1}},
                          "api_calls": 3, "api_calls_one_per_invoice": 30}))
    case "scheduler":
        time.sleep(600)
""",
    "dramatiq": """
import os, sys, time
if "FAIL_WORKER" in os.environ:
    sys.exit(3)
time.sleep(600)
""",
    "uvicorn": """
import http.server, sys
def option(name):
    return sys.argv[sys.argv.index(name) + 1]
class Fine(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((option("--host"), int(option("--port"))), Fine).serve_forever()
""",
}

RUN_WITH_STAND_INS = """
import dataclasses, pathlib, sys
from sandbox.demo.command import read_options, run
sys.exit(run(dataclasses.replace(read_options(sys.argv[2:]), programs=pathlib.Path(sys.argv[1]))))
"""

UP = "Ctrl-C ends it"


class Demo:
    """A demo in a process of its own."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "COLUMNS": "200", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def wait_until_it_says(self, words: str, seconds: float = 60.0) -> None:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while words not in self.said:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65_536).decode() if readable else ""
            assert chunk, f"The demo never said {words!r}. It said: {self.said}"
            self.said += chunk

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def running(self, *words: str) -> psutil.Process:
        """The one process whose command line has all these words, behind its watcher."""
        commands = {process: command_line(process) for process in self.processes()}
        found = [process for process, line in commands.items() if all(word in line for word in words)]
        return next(process for process in found if "watcher.py" not in commands[process])

    def finish(self, seconds: float = 60.0) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, self.said + out, err


Start = Callable[..., Demo]


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.process.kill()
        demo.process.communicate()


@pytest.fixture
def start(tmp_path: Path, demos: list[Demo]) -> Start:
    """Start a demo with the stand-ins, in the same folder each time."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in STAND_INS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{script}")
        (programs / name).chmod(0o755)

    def start(*arguments: str, **env: str) -> Demo:
        small = ["--contacts", "20", "--invoices", "30", "--folder", str(tmp_path / "demo")]
        command = [sys.executable, "-c", RUN_WITH_STAND_INS, str(programs), *small, *arguments]
        demos.append(Demo(command, env))
        return demos[-1]

    return start


def last_object(out: str) -> dict[str, Any]:
    return dict(json.loads(out.strip().splitlines()[-1]))


def command_line(process: psutil.Process) -> str:
    """Empty where the process has ended since it was listed."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # A zombie's error is one of these.
        return ""


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


class TestTheRealThing:
    def test_the_first_sync_writes_everything_and_a_second_one_finds_nothing_to_write(
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
        assert first["reminders"]["scheduled"] == second["reminders"]["scheduled"] > 0
        assert first["api_calls"] < first["api_calls_one_per_invoice"] / 5
        assert not [log.name for log in (folder / "logs").glob("*.log") if "Traceback" in log.read_text()]

    def test_it_goes_on_telling_what_changes_in_zoho_until_it_is_ended(self, tmp_path: Path, demos: list[Demo]) -> None:
        command = [sys.executable, "-m", "sandbox.demo", "--contacts", "60", "--invoices", "150"]
        demo = Demo([*command, "--folder", str(tmp_path / "demo")], {"SYNC_INTERVAL_SECONDS": "1"})
        demos.append(demo)
        demo.wait_until_it_says(UP, 150)
        demo.wait_until_it_says("with a reminder to come", 120)
        family = demo.processes()
        demo.process.terminate()
        assert demo.finish(15)[0] == 0
        assert all_gone(family, seconds=0.0)


class TestOnce:
    def test_ends_with_one_json_object_and_all_words_elsewhere(self, start: Start) -> None:
        code, out, err = start("--once", "--json").finish()
        assert code == 0, err
        assert len(out.splitlines()) == 1
        assert last_object(out)["customers"]["total"] == 9
        assert "90.0% saved" in err

    def test_shows_people_what_came_of_it(self, start: Start) -> None:
        code, out, err = start("--once").finish()
        assert (code, err) == (0, "")
        assert "3 API calls instead of 30, one an invoice: 90.0% saved" in out
        assert "no phone" in out

    def test_leaves_no_process_behind(self, start: Start) -> None:
        demo = start("--once")
        demo.wait_until_it_says("Connected")
        family = demo.processes()
        assert len(family) > 10
        assert demo.finish()[0] == 0
        assert all_gone(family, seconds=0.0)

    def test_a_second_time_it_is_the_same_user_and_connection_and_with_fresh_another(self, start: Start) -> None:
        first, second, third = (
            last_object(start("--once", "--json", *more).finish()[1])["connection"] for more in ([], [], ["--fresh"])
        )
        assert first == second
        assert third != first

    def test_another_size_needs_a_fresh_start(self, start: Start) -> None:
        assert start("--once").finish()[0] == 0
        code, _, err = start("--once", "--contacts", "21").finish()
        assert code == 1
        assert "made with 20 contacts and 30 invoices: add --fresh" in err


class TestStaying:
    def test_stays_until_ctrl_c_which_ends_everything(self, start: Start, tmp_path: Path) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        environment = tmp_path / "demo" / "env"
        assert stat.S_IMODE(environment.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "demo" / "encryption.key").stat().st_mode) == 0o600
        family = demo.processes()
        os.killpg(demo.process.pid, signal.SIGINT)  # As a terminal does: to the whole foreground group.
        code, out, err = demo.finish()
        assert (code, err) == (0, "")
        assert "Stopping" in out
        assert all_gone(family, seconds=0.0)
        assert not environment.exists()

    def test_leaves_nothing_behind_when_it_is_killed_and_starts_again_at_once(self, start: Start) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        family = demo.processes()
        demo.process.kill()
        assert start("--once").finish()[0] == 0
        assert all_gone(family, seconds=0.0)

    def test_starts_again_what_dies(self, start: Start) -> None:
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

    def test_tells_what_the_syncs_in_the_background_bring(self, start: Start, tmp_path: Path) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        lines = (tmp_path / "demo" / "env").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines)
        with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                "INSERT INTO sync_runs SELECT id, now(), 'incremental', 'succeeded', %s, 2 FROM connections",
                [json.dumps({"customers_updated": 1, "invoices_new": 2})],
            )
        demo.wait_until_it_says("1 customer updated, 2 invoices new (2 API calls)")
        demo.process.terminate()
        assert demo.finish()[0] == 0

    def test_a_second_demo_in_the_same_folder_says_so(self, start: Start) -> None:
        demo = start()
        demo.wait_until_it_says(UP)
        code, out, err = start().finish()
        assert (code, out) == (1, "")
        assert f"A demo already runs in {demo_folder(err)} (process {demo.process.pid})" in err
        demo.process.terminate()
        assert demo.finish()[0] == 0


class TestFailures:
    def test_a_worker_that_cannot_run_is_one_sentence(self, start: Start) -> None:
        code, _, err = start("--json", FAIL_WORKER="yes").finish()
        assert code == 1
        assert "The worker 1 ended 3 times in a row (exit code 3); its log is " in err or "The worker 2 ended" in err
        assert "Traceback" not in err

    def test_a_sync_that_fails_is_one_sentence(self, start: Start) -> None:
        code, out, err = start("--once", "--json", FAIL_SYNC="yes").finish()
        assert (code, out) == (1, "")
        assert "booksync sync ended with exit code 1 (Zoho refuses the connection.); its log is " in err
        assert err.count("Traceback") == 0

    def test_a_folder_of_something_else_is_left_alone(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo" / "precious").touch()
        code, _, err = start("--fresh").finish()
        assert code == 1
        assert "holds other things than a demo" in err
        assert [path.name for path in (tmp_path / "demo").iterdir()] == ["precious"]

    def test_a_database_that_the_environment_names_is_used_and_its_absence_told(
        self, start: Start, tmp_path: Path
    ) -> None:
        code, _, err = start("--once", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").finish()
        assert code == 1
        assert "booksync migrate ended with exit code 1" in err
        assert not (tmp_path / "demo" / "postgres").exists()


def demo_folder(err: str) -> str:
    return err.partition("already runs in ")[2].partition(" ")[0]
