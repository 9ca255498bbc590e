"""The account that a server runs as.

Postgres refuses root, so root needs another account that can access program and data.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.servers.errors import ServerError

_NOBODY = 65_534
_PROBE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system account, and how to start a program with it."""

    name: str
    uid: int | None = None  # None: the process keeps its user.
    gid: int | None = None
    prefix: tuple[str, ...] = ()  # The words that are put before the command.

    @property
    def owner(self) -> tuple[int, int]:
        """The owner and group that the server's data must have on disk.

        For a user namespace the owner stays root, because inside it the files of root appear as the mapped user's.
        """
        return (self.uid if self.uid is not None else os.geteuid(), self.gid if self.gid is not None else os.getegid())


PLAIN = Account("the present user")
NAMESPACE = Account("a user namespace", prefix=("unshare", "--user", f"--map-user={_NOBODY}", "--"))


def choose_account(program: Path, folder: Path, *, root_will_do: bool = False) -> Account:
    """Choose the account for `program`, whose data are below `folder` (which exists).

    An ordinary user keeps its own account. For root the first account is chosen that can run the program and enter the
    folder: `postgres`, `nobody`, the owner of a parent folder, a user namespace in which root is mapped to `nobody`.

    Raises:
        ServerError: no account fits, and `root_will_do` is False, because the program refuses to run as root.
    """
    if os.geteuid() != 0:
        return PLAIN
    for account in _candidates(folder):
        if _reaches(account, program, folder):
            return account
    if root_will_do:
        return PLAIN
    raise ServerError(
        f"{program.name.capitalize()} refuses to run as root, and no other account reaches {program} and {folder}:"
        " run this as an ordinary user, or from folders that others may enter"
    )


def give(path: Path, account: Account) -> None:
    """Make the account the owner of a data folder and its contents; an earlier start may have used another account."""
    if os.geteuid() != 0 or path.stat().st_uid == account.owner[0]:
        return
    for parent, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.lchown(Path(parent, name), *account.owner)
    # The top folder comes last, because its owner marks the whole change as complete.
    os.lchown(path, *account.owner)


def _candidates(folder: Path) -> Iterator[Account]:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(name, entry.pw_uid, entry.pw_gid)
    for parent in folder.parents:
        status = parent.stat()
        if status.st_uid != 0:
            yield Account(f"the owner of {parent}", status.st_uid, status.st_gid)
            break
    if shutil.which("unshare"):
        yield NAMESPACE


def _reaches(account: Account, program: Path, folder: Path) -> bool:
    """Whether the account can run the program and enter the folder, found by a try: many causes can prevent it."""
    script = 'test -x "$1" && exec "$0" --version'
    try:
        tried = subprocess.run(
            [*account.prefix, "/bin/sh", "-c", script, str(program), str(folder)],
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0
