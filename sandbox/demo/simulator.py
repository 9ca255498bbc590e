"""The Zoho simulator as a process of the demo, and the demo's requests to it."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.demo.errors import DemoError
from sandbox.demo.folder import DemoFolder
from sandbox.demo.loopback import post
from sandbox.demo.options import Size
from sandbox.demo.supervisor import Service
from sandbox.servers.ports import free_port

READY_SECONDS = 30.0

#: The seconds between two changes in the simulated organisation.
DRIFT_SECONDS = 4

#: The daily limit of Zoho's largest plans. With a smaller limit booksync syncs less often than the demo needs.
REQUESTS_PER_DAY = 100_000

#: The length of the simulated Zoho's minute. After a restart of Redis booksync waits for one such minute before its
#: next call, and a whole real minute would be too long for a demo.
MINUTE_SECONDS = 4

_POLL_SECONDS = 0.02


def simulator_service(folder: DemoFolder, size: Size, *, drifts: bool) -> Service:
    """The Zoho simulator as a service of the demo.

    The simulator's port is chosen here, so that a restart keeps the address.
    """
    choices = {
        "--port": free_port(),
        "--state": folder.simulator,
        "--contacts": size.contacts,
        "--invoices": size.invoices,
        "--requests-per-day": REQUESTS_PER_DAY,
        "--window-seconds": MINUTE_SECONDS,
        "--block-seconds": MINUTE_SECONDS,
    }
    if drifts:
        choices["--drift"] = DRIFT_SECONDS
    words = [str(word) for choice in choices.items() for word in choice]
    return Service("Zoho simulator", (sys.executable, "-m", "sandbox.zoho", *words), folder.log("zoho"))


@dataclass(frozen=True, slots=True)
class Organization:
    """The simulated organisation that the demo connects."""

    origin: str
    organization_id: str
    name: str

    def grant_code(self) -> str:
        """A new grant code, as a user would copy it from Zoho's console; valid for a minute."""
        return str(post(f"{self.origin}/_sandbox/grant-codes", {"organization_id": self.organization_id})["code"])


def wait_for_organization(service: Service, on_poll: Callable[[], None]) -> Organization:
    """Wait for the simulator and return its first organisation.

    Raises:
        DemoError: the simulator was not ready in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if ready := _ready_line(service):
            first = ready["organizations"][0]
            return Organization(ready["url"], first["organization_id"], first["name"])
        on_poll()
        time.sleep(_POLL_SECONDS)
    raise DemoError(f"The {service.name} was not ready within {READY_SECONDS:g} s", log=service.log)


def _ready_line(service: Service) -> dict[str, Any] | None:
    for line in service.log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith('{"url"') and line.endswith("\n"):
            return dict(json.loads(line))
    return None
