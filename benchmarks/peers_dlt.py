"""Syncs by dlt, in a virtual environment of its own that is made from the package index."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.processor import Cost, cpu_seconds
from sandbox.servers import EmbeddedPostgres
from sandbox.zoho.control import SandboxControl

_PACKAGE = "dlt[postgres]"
_PROGRAM = Path(__file__).with_name("peers_dlt_pipeline.py")
_LAST_LINES = 15


class PeerFailedError(RuntimeError):
    """dlt could not be installed, or its sync failed; the message ends with its output."""


@dataclass(frozen=True)
class Order:
    """What the pipeline's program reads, as JSON."""

    zoho_url: str
    organization_id: str
    refresh_token: str
    database_url: str
    state_folder: str


@dataclass(frozen=True)
class Dlt:
    """dlt with a database and a folder for its state."""

    python: Path
    order: Order
    postgres: EmbeddedPostgres

    @classmethod
    def at(cls, python: Path, zoho: SandboxControl, postgres: EmbeddedPostgres, url: str, state: Path) -> "Dlt":
        # dlt requires a password, which this Postgres does not ask for.
        with_password = url.replace("@", ":unused@", 1)
        order = Order(zoho.url, zoho.organization_id, zoho.refresh_token, with_password, str(state))
        return cls(python, order, postgres)

    def sync(self) -> Cost:
        """Run the pipeline in a new process. The time of its start and its imports does not count.

        Raises PeerFailedError.
        """
        postgres_before = cpu_seconds(self.postgres.pid)
        said = json.loads(_run([str(self.python), str(_PROGRAM)], json.dumps(asdict(self.order))).splitlines()[-1])
        return Cost(said["seconds"], said["cpu_seconds"], cpu_seconds(self.postgres.pid) - postgres_before)


def python_with_dlt(folder: Path) -> Path:
    """The Python of the environment in `folder`, which is made if it is not complete.

    Raises PeerFailedError.
    """
    python, mark = folder / "bin" / "python", folder / "complete"
    if not mark.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", _PACKAGE])
        mark.touch()
    return python


def version(python: Path) -> str:
    return _run([str(python), "-c", "from importlib.metadata import version; print(version('dlt'))"]).strip()


def _run(command: list[str], text: str = "") -> str:
    # Without the first setting dlt sends reports of its use; a proxy would come between it and the simulator.
    environment = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "NO_PROXY": "127.0.0.1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
        raise PeerFailedError(f"{' '.join(command[:4])} ended with {done.returncode}:\n{last}")
    return done.stdout
