"""The web process of an installation."""

import httpx

from sandbox.servers.ports import LOOPBACK
from tests.end_to_end.installation import Installation
from tests.end_to_end.underway import eventually


def start_web(installation: Installation, port: int) -> str:
    """Start the web process, wait until it is ready, and return its origin."""
    installation.start("uvicorn", "workers.web.app:app", "--host", LOOPBACK, "--port", str(port))
    origin = f"http://{LOOPBACK}:{port}"
    eventually(lambda: _is_ready(origin))
    return origin


def _is_ready(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
