"""The demo's folder: its persistent data and its lock."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sandbox.demo import folder
from sandbox.demo.errors import DemoError
from sandbox.demo.folder import DemoFolder
from sandbox.demo.options import Size


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def demo(tmp_path: Path) -> DemoFolder:
    return DemoFolder(tmp_path)


def test_the_user_is_the_same_at_every_start(demo: DemoFolder, tmp_path: Path) -> None:
    first = demo.identity()
    assert first.size == Size(contacts=1000, invoices=3000)
    assert DemoFolder(tmp_path).identity() == first


def test_the_organisation_keeps_the_size_of_the_first_start(demo: DemoFolder) -> None:
    demo.identity(contacts=5, invoices=7)
    assert demo.identity().size == demo.identity(contacts=5).size == Size(5, 7)
    with pytest.raises(DemoError, match="made with 5 contacts and 7 invoices: add --fresh"):
        demo.identity(invoices=8)


@pytest.mark.parametrize("text", ["", "[]", '{"user": "nobody", "contacts": 1, "invoices": 1}', '{"user": null}'])
def test_damaged_identity_is_reported_in_one_sentence(demo: DemoFolder, tmp_path: Path, text: str) -> None:
    (tmp_path / "identity.json").write_text(text)
    with pytest.raises(DemoError, match=r"identity\.json is damaged: start again with --fresh"):
        demo.identity()


def test_fernet_key_is_stable_and_readable_only_by_its_owner(demo: DemoFolder, tmp_path: Path) -> None:
    key = demo.encryption_key()
    assert Fernet(key)
    assert demo.encryption_key() == key
    assert mode_of(tmp_path / "encryption.key") == 0o600


def test_the_console_password_is_long_enough_and_stays_and_only_its_owner_reads_it(
    demo: DemoFolder, tmp_path: Path
) -> None:
    password = demo.console_password()
    assert len(password) >= 12
    assert demo.console_password() == password
    assert mode_of(tmp_path / "console.password") == 0o600


def test_the_environment_file_is_there_only_while_the_demo_runs(demo: DemoFolder) -> None:
    with demo.environment({"B": "redis://host/?a=1&b=2", "A": "1"}) as path:
        assert path.read_text() == "A=1\nB='redis://host/?a=1&b=2'\n"  # For a shell to read.
        assert mode_of(path) == 0o600
    assert not path.exists()


def test_clearing_deletes_the_identity_and_no_foreign_file(demo: DemoFolder, tmp_path: Path) -> None:
    first, key, password = demo.identity(), demo.encryption_key(), demo.console_password()
    demo.logs.mkdir()
    demo.log("worker-1").touch()
    for name in ("zoho.state", "zoho.state.new", "something else"):
        (tmp_path / name).touch()
    demo.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["something else"]
    assert demo.identity().user_id != first.user_id
    assert demo.encryption_key() != key
    assert demo.console_password() != password


def test_logs_of_earlier_starts_are_removed(demo: DemoFolder) -> None:
    demo.begin_logs()
    demo.log("worker-1").write_text("yesterday")
    demo.begin_logs()
    assert list(demo.logs.iterdir()) == []


class TestTheLock:
    def test_error_names_the_process_that_holds_the_lock(self, demo: DemoFolder, tmp_path: Path) -> None:
        already = rf"A demo already runs in {tmp_path} \(process {os.getpid()}\)"
        with demo.locked(), pytest.raises(DemoError, match=already):
            DemoFolder(tmp_path).locked().__enter__()
        with DemoFolder(tmp_path).locked():
            assert (tmp_path / "lock").read_text() == str(os.getpid())

    def test_start_waits_for_the_processes_of_a_killed_demo(
        self, demo: DemoFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = demo.locked()
        lock = first.__enter__()
        left_behind = os.dup(lock)
        first.__exit__(None, None, None)
        monkeypatch.setattr(folder, "_is_alive", lambda _pid: False)
        monkeypatch.setattr("time.sleep", closes(left_behind))
        with DemoFolder(tmp_path).locked():
            pass

    def test_start_gives_up_waiting_after_a_bound(
        self, demo: DemoFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder, "LOCK_SECONDS", 0.0)
        monkeypatch.setattr(folder, "_is_alive", lambda _pid: False)
        with demo.locked(), pytest.raises(DemoError, match="already runs"):
            DemoFolder(tmp_path).locked().__enter__()

    def test_folder_with_other_files_is_refused(self, demo: DemoFolder, tmp_path: Path) -> None:
        (tmp_path / "precious").touch()
        with pytest.raises(DemoError, match="holds files that are not a demo's"):
            demo.locked().__enter__()
        assert [path.name for path in tmp_path.iterdir()] == ["precious"]

    @pytest.mark.parametrize(
        ("pid", "alive"),
        [(str(os.getpid()), True), ("", False), ("nonsense", False)],
        ids=["alive", "none", "nonsense"],
    )
    def test_holder_is_running_or_not(self, pid: str, alive: bool) -> None:
        assert folder._is_alive(pid) is alive


def closes(descriptor: int) -> Callable[[float], None]:
    return lambda _seconds: os.close(descriptor)
