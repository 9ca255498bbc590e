"""The web process knows the address of a connection itself, whatever X-Forwarded-For says."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from domain.operators import Role
from tests.end_to_end.underway import eventually
from tests.fork_server import UVICORN, ForkedProcess, fork_server
from tests.integration.environment import environment_of_a_process
from workers.boot.basics import open_basics
from workers.services.operators import save_operator


@pytest.fixture
def start(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Starts a web process that trusts the header of these proxies, and returns its address."""
    with ExitStack() as running:
        running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
        with open_basics("booksync tests") as basics:
            save_operator(basics, "ana", Role.VIEWER, "a long enough password")

        def begin(proxies: str) -> str:
            log = tmp_path / "web.log"
            words = ["uvicorn", "workers.web.app:app", "--port", "0"]
            environment = {"CONSOLE_AUTH_HEADER": "Remote-User", "CONSOLE_AUTH_PROXIES": proxies}
            with log.open("wb") as stream, Path(os.devnull).open("wb") as nowhere:
                streams = {"stdout": nowhere.fileno(), "stderr": stream.fileno()}
                process = fork_server().start(UVICORN, words, os.environ | environment, **streams)
            running.callback(process.wait)
            running.callback(process.kill)
            return address_of(process, log)

        yield begin


_ADDRESS = re.compile(r"running on (http://127.0.0.1:\d+)")


def address_of(process: ForkedProcess, log: Path) -> str:
    eventually(lambda: process.poll() is not None or _ADDRESS.search(log.read_text()) is not None)
    found = _ADDRESS.search(log.read_text())
    assert found is not None, log.read_text()
    return found[1]


@pytest.mark.slow
@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 200), ("192.0.2.7,203.0.113.0/24", 303)])
def test_only_the_connections_own_address_makes_a_proxy(start: Callable[[str], str], proxies: str, status: int) -> None:
    address = start(proxies)
    with httpx.Client(base_url=address, trust_env=False) as client:
        for forwarded in ("192.0.2.7", "203.0.113.9", "127.0.0.1"):
            headers = {"Remote-User": "ana", "X-Forwarded-For": forwarded, "Accept": "text/html"}
            assert client.get("/", headers=headers).status_code == status
