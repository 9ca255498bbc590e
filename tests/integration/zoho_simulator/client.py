"""A client of the simulator's process, and its start."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from sandbox.zoho.control import SandboxControl

ROOT = Path(__file__).parents[3]


class Client:
    """A client with an access token of the first organisation's user."""

    def __init__(self, zoho: SandboxControl) -> None:
        self.zoho = zoho
        self.http = httpx.Client(base_url=zoho.url, timeout=10, trust_env=False)
        self.token = self.sign_in(grant_type="refresh_token", refresh_token=zoho.refresh_token)["access_token"]

    def sign_in(self, **form: str) -> dict[str, Any]:
        known = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        return dict(self.http.post("/oauth/v2/token", data=known | form).json())

    def get(self, path: str, **query: str | int) -> httpx.Response:
        headers = {"Authorization": f"Zoho-oauthtoken {self.token}"}
        params = {"organization_id": self.zoho.organization_id, **query}
        return self.http.get(f"/books/v3{path}", params=params, headers=headers)


def wait_until(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


def start(*options: str) -> tuple["subprocess.Popen[str]", dict[str, Any]]:
    command = [sys.executable, "-m", "sandbox.zoho", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())
