"""The deployment files, and the programs that check them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]

#: The process → its command in the Procfile.
PROCESSES = {
    "web": "uvicorn workers.web.app:app",
    "worker": "dramatiq workers.main",
    "scheduler": "booksync scheduler",
}
#: The services of docker-compose.yml that are not booksync's.
SERVERS = {"postgres", "valkey"}
#: The loader in C takes a tenth of the time of the other one.
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Connections of one web process. Many shells limit a process to 1,024 descriptors.
MOST_CONNECTIONS = "800"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    """docker-compose.yml."""
    found: dict[str, Any] = parsed(read("docker-compose.yml"))
    return found


def parsed(text: str) -> Any:
    """The only document of a YAML text."""
    (found,) = documents(text)
    return found


def documents(text: str) -> list[Any]:
    """The documents of a YAML text."""
    return list(yaml.load_all(text, Loader=_SAFE_LOADER))


def option(command: list[str], name: str) -> str:
    """The word after an option."""
    return command[command.index(name) + 1]


def checked(program: str, *words: str | Path) -> str:
    """The output of a checker; fails with it if the checker refuses something."""
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
