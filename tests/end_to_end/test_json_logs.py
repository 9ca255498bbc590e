"""Each line that the processes write is a JSON object with the release and the host, also at the end of a child."""

import json
import signal
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.servers.ports import free_port
from tests.end_to_end.installation import Installation
from tests.end_to_end.underway import eventually
from tests.processes import all_gone
from tests.procfile import command

pytestmark = pytest.mark.slow


def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def events(log: Path) -> list[dict[str, Any]]:
    """All lines of a log, each of which must be a JSON object of this release and host."""
    found = [json.loads(line) for line in lines(log)]
    for event in found:
        assert (event["release"], event["host"]) == (version("booksync"), socket.gethostname()), event
        assert event["timestamp"]
        assert event["level"]
    return found


def test_every_line_of_a_worker_is_json_when_a_child_is_killed(installation: Installation, tmp_path: Path) -> None:
    log = tmp_path / "booksync-0.log"
    master = installation.start_installed("booksync", "worker", "--processes", "2", "--threads", "2")
    eventually(lambda: log.read_text().count("Worker process is ready") == 2)
    children = psutil.Process(master.pid).children(recursive=True)
    first = next(child for child in children if child.ppid() == master.pid)
    first.send_signal(signal.SIGKILL)
    assert master.wait(timeout=60) != 0
    assert all_gone(children, seconds=10)
    told = events(log)
    of_master = [event["event"] for event in told if event["logger"] == "dramatiq.MainProcess"]
    assert any("is booting up" in event for event in of_master)
    assert any(f"Worker with PID {first.pid} exited unexpectedly" in event for event in of_master)
    assert any("Stopping worker process" in event["event"] for event in told)


def test_every_line_of_the_scheduler_and_of_the_web_process_is_json(installation: Installation, tmp_path: Path) -> None:
    port = free_port()
    scheduler = installation.start_installed(*command("scheduler"))
    web = installation.start_installed(*command("web"), "--port", str(port))
    eventually(lambda: "The scheduler has started" in (tmp_path / "booksync-0.log").read_text())
    eventually(lambda: "Uvicorn running" in (tmp_path / "uvicorn-1.log").read_text())
    for process in (scheduler, web):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    assert events(tmp_path / "booksync-0.log")[-1]["action"] == "scheduler.stopped"
    of_web = [event["event"] for event in events(tmp_path / "uvicorn-1.log")]
    assert any("Started server process" in event for event in of_web)
    assert any("Finished server process" in event for event in of_web)


def test_the_procfiles_worker_has_other_lines_of_the_master_only(installation: Installation, tmp_path: Path) -> None:
    installation.start_installed(*command("worker"), "--processes", "1", "--threads", "1")
    log = tmp_path / "dramatiq-0.log"
    eventually(lambda: "Worker process is ready" in log.read_text())
    others = [json.loads(line) for line in lines(log) if "[dramatiq.MainProcess]" not in line]
    assert all(event["release"] for event in others)
    assert "Worker process is ready for action." in [event["event"] for event in others]
    assert not any("plugin" in event["event"] for event in others)


@pytest.mark.parametrize("process", ["worker", "web"])
def test_a_setting_that_is_refused_is_json_too(installation: Installation, tmp_path: Path, process: str) -> None:
    commands = {"worker": ["booksync", "worker", "--processes", "1"], "web": command("web")}
    program, *words = commands[process]
    started = installation.start_installed(program, *words, ENCRYPTION_KEYS=None)
    assert started.wait(timeout=60) != 0
    told = events(tmp_path / f"{program}-0.log")
    assert any("Missing setting: ENCRYPTION_KEYS." in json.dumps(event) for event in told)


def test_the_output_of_a_command_is_for_people(installation: Installation) -> None:
    assert installation.run("status", REDIS_URL="nowhere").stderr.startswith("booksync: Malformed setting: REDIS_URL")
