"""The Procfile as developers run it, with honcho: Ctrl-C ends all processes, and loses no work."""

import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from sandbox.servers.ports import free_port
from sandbox.zoho.fault_requests import FaultName
from tests.end_to_end.installation import PROGRAMS, PROJECT, SCHEDULER, WORKER, Installation
from tests.end_to_end.underway import eventually
from tests.processes import all_gone

Honcho = subprocess.Popen[bytes]


@pytest.fixture
def started(installation: Installation) -> Iterator[list[Honcho]]:
    """Started instances; processes that a failed test leaves are killed."""
    honchos: list[Honcho] = []
    yield honchos
    for honcho in honchos:
        if honcho.poll() is None:
            os.killpg(honcho.pid, signal.SIGKILL)
            honcho.wait()


def start(installation: Installation) -> Honcho:
    """Like a terminal: in the foreground group that receives Ctrl-C."""
    ports = {"PORT": str(free_port())}
    with (installation.logs / "honcho.log").open("ab") as log:
        return subprocess.Popen(
            [str(PROGRAMS / "honcho"), "start", "--procfile", "Procfile"],
            env=installation.environment | ports | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def press_ctrl_c(honcho: Honcho) -> None:
    family = psutil.Process(honcho.pid).children(recursive=True)
    os.killpg(honcho.pid, signal.SIGINT)
    honcho.wait(timeout=60)
    assert all_gone(family, seconds=10)


@pytest.mark.slow
def test_ctrl_c_in_mid_sync_loses_no_work(
    installation: Installation, started: list[Honcho], database: psycopg.Connection
) -> None:
    connection_id = installation.connect().json["connection_id"]
    installation.zoho.fault(FaultName.LATENCY, seconds=0.5)
    installation.zoho.reset_stats()

    def run() -> tuple[str, int]:
        row = database.execute("SELECT status, step FROM booksync.sync_runs").fetchone()
        assert row is not None
        return row[0], row[1]

    started.append(start(installation))
    installation.run("sync", connection_id)
    eventually(lambda: run()[1] >= 2)
    press_ctrl_c(started[0])
    assert run()[0] == "running", "the sync ended before it was interrupted"

    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    eventually(lambda: run()[0] == "succeeded")
    disturbed = installation.zoho.stats().count()
    installation.zoho.clear_faults()
    undisturbed = installation.run("sync", connection_id, "--full", "--wait", "--json").json["api_calls"]
    assert disturbed == undisturbed, "no page was fetched twice"
    assert database.execute("SELECT count(*) FROM booksync.dead_letters").fetchone() == (0,)
