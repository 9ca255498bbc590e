"""The Zoho simulator as a process of the demo's, and what the demo asks of it."""

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

#: Between two changes that somebody in the simulated office makes.
DRIFT_SECONDS = 4

#: Of the largest plans. On a small one booksync would, rightly, look for changes less often than the demo wants.
REQUESTS_PER_DAY = 100_000

#: How long Zoho's minute lasts here. After a restart of Redis booksync waits one out, rightly, before it calls again:
#: nobody would see a demo twice that did so for a whole minute.
MINUTE_SECONDS = 4

_POLL_SECONDS = 0.02


def simulator_service(folder: DemoFolder, size: Size, *, drifts: bool) -> Service:
    """The command. Its port is chosen here, so that it keeps its address when it is started again."""
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
        """A fresh code, as its owner would copy it from Zoho's console; it lives a minute."""
        return str(post(f"{self.origin}/_sandbox/grant-codes", {"organization_id": self.organization_id})["code"])


def wait_for_organization(service: Service, on_poll: Callable[[], None]) -> Organization:
    """The first organisation that the simulator names once it is ready.

    Raises:
        DemoError: it was not ready in time.
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
