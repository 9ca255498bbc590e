"""The account that a server runs as."""

import os
import pwd
from pathlib import Path

import pytest

from sandbox.servers import ServerError, account
from sandbox.servers.account import NAMESPACE, PLAIN, Account, choose_account

PROGRAM = Path("/opt/postgres")


class World:
    """A machine on which the test is root, with the accounts that can access program and folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.users: list[str] = ["postgres", "nobody"]
        self.that_reach: set[str] = set()
        self.asked: list[str] = []
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(pwd, "getpwnam", self.entry)
        monkeypatch.setattr(account, "_reaches", self.reaches)
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")

    def entry(self, name: str) -> pwd.struct_passwd:
        if name not in self.users:
            raise KeyError(name)
        return pwd.struct_passwd((name, "x", 100 + self.users.index(name), 100, "", "/", "/bin/sh"))

    def reaches(self, tried: Account, _program: Path, _folder: Path) -> bool:
        self.asked.append(tried.name)
        return tried.name in self.that_reach


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_ordinary_user_keeps_its_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert choose_account(PROGRAM, tmp_path) == PLAIN


def test_root_becomes_postgres_if_possible(world: World, tmp_path: Path) -> None:
    world.that_reach = {"postgres", "nobody", NAMESPACE.name}
    assert choose_account(PROGRAM, tmp_path).uid == 100


def test_root_becomes_the_unprivileged_account_without_a_postgres_account(world: World, tmp_path: Path) -> None:
    world.users = ["nobody"]
    world.that_reach = {"nobody"}
    assert choose_account(PROGRAM, tmp_path).name == "nobody"


def test_root_becomes_the_owner_of_a_private_home(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    owned_by_somebody = os.stat_result((0o700, 0, 0, 1, 4321, 4321, 0, 0, 0, 0))
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **rest: owned_by_somebody if path == home else real(path, **rest))
    world.that_reach = {f"the owner of {home}", NAMESPACE.name}
    assert choose_account(PROGRAM, home / "project").owner == (4321, 4321)


def test_root_uses_a_namespace_when_no_account_can_access_the_folders(world: World, tmp_path: Path) -> None:
    world.that_reach = {NAMESPACE.name}
    chosen = choose_account(PROGRAM, tmp_path)
    assert chosen == NAMESPACE
    assert chosen.owner[0] == 0
    assert world.asked[:2] == ["postgres", "nobody"]


def test_missing_account_is_reported_in_one_sentence(world: World, tmp_path: Path) -> None:
    with pytest.raises(
        ServerError, match="Postgres refuses to run as root, and no other account reaches /opt/postgres"
    ):
        choose_account(PROGRAM, tmp_path)


def test_program_that_accepts_root_runs_as_root_without_another_account(world: World, tmp_path: Path) -> None:
    assert choose_account(PROGRAM, tmp_path, root_will_do=True) == PLAIN
