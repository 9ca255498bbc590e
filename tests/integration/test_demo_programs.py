"""A failed command of the demo."""

import uuid
from pathlib import Path

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.programs import Programs


def test_what_a_command_has_reported_stays_in_no_file(tmp_path: Path) -> None:
    booksync = tmp_path / "booksync"
    booksync.write_text("""#!/bin/sh\necho '{"url": "secret"}'\n""")
    booksync.chmod(0o755)
    log = tmp_path / "link.log"
    assert Programs(tmp_path, {}).run(["operators", "link"], log=log, on_poll=lambda: None) == {"url": "secret"}
    assert not [path for path in tmp_path.iterdir() if path != booksync and "secret" in path.read_text()]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["migrate"], "migrate"),
        (["sync", str(uuid.UUID(int=10)), "--full"], "sync"),
        (["reminders", "preview", str(uuid.UUID(int=10)), "--json"], "reminders preview"),
    ],
)
def test_failed_command_is_named_without_its_options(tmp_path: Path, arguments: list[str], name: str) -> None:
    booksync = tmp_path / "booksync"
    booksync.write_text("#!/bin/sh\nexit 3\n")
    booksync.chmod(0o755)
    with pytest.raises(DemoError, match=f"^booksync {name} ended with exit code 3; its log is "):
        Programs(tmp_path, {}).run(arguments, log=tmp_path / "run.log", on_poll=lambda: None)
