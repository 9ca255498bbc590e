"""A page of a list costs few round trips to Postgres and about one commit, counted in libpq's own trace."""

import re
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from domain.runs import Mode, Phase
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import LIMIT
from workers.boot.slices import SliceLimits
from workers.sync import calls_ahead

#: The bounds for a page of 200 rows, on average over the three lists of a first sync.
MOST_ROUND_TRIPS, MOST_COMMITS = 8, 1.2

_LISTS = (CallKind.BULK_PERSONS, CallKind.CONTACTS, CallKind.INVOICES)

#: The server ends each round trip with this message, and names the statement that it has done in the other.
_ROUND_TRIP = re.compile(r"^(?:\S+ \S+\t)?B\t\d+\tReadyForQuery", re.MULTILINE)
_COMMIT = re.compile(r'^(?:\S+ \S+\t)?B\t\d+\tCommandComplete\t "COMMIT"', re.MULTILINE)


@pytest.fixture
def zoho(simulator: SandboxControl) -> SandboxControl:
    # The lists have as many pages in proportion as those of a usual organisation.
    simulator.restart(contacts=4_000, invoices=9_600, requests_per_minute=LIMIT)
    return simulator


class Trace:
    """The messages of all connections that an engine opens from now on."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._folder = folder
        self._connections: list[psycopg.Connection[Any]] = []
        self._files = ExitStack()
        engine.dispose()
        event.listen(engine, "connect", self._begin)

    def _begin(self, connection: psycopg.Connection[Any], _record: object) -> None:
        file = self._files.enter_context((self._folder / str(len(self._connections))).open("w"))
        connection.pgconn.trace(file.fileno())
        self._connections.append(connection)

    def end(self) -> str:
        for connection in self._connections:
            connection.pgconn.untrace()
        self._files.close()
        return "".join(path.read_text() for path in sorted(self._folder.iterdir()))


class AtOnce:
    """An executor whose calls are done at once, so that the next page has always arrived."""

    def __init__(self, **_: object) -> None: ...

    def submit(self, do: Callable[..., Any], *arguments: Any, **keywords: Any) -> Future[Any]:
        call: Future[Any] = Future()
        call.set_result(do(*arguments, **keywords))
        return call

    def shutdown(self) -> None: ...


@pytest.mark.slow
def test_a_page_costs_few_round_trips_and_about_one_commit(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_ahead, "ThreadPoolExecutor", AtOnce)
    sliced = bench.with_slices(SliceLimits(pages=30))
    sliced.start(Mode.FULL)
    trace = Trace(sliced.resources.engine, tmp_path)
    while (step := sliced.present_step()) is not None and step.phase is not Phase.REMINDERS:
        sliced.take(step)
    messages = trace.end()
    pages = sum(sliced.zoho.stats().count(kind) for kind in _LISTS)
    assert pages >= 90
    print(len(_ROUND_TRIP.findall(messages)) / pages, len(_COMMIT.findall(messages)) / pages)
    round_trips, commits = len(_ROUND_TRIP.findall(messages)), len(_COMMIT.findall(messages))
    assert commits > pages / 2, "the trace is understood"
    assert round_trips / pages <= MOST_ROUND_TRIPS
    assert commits / pages <= MOST_COMMITS
