"""One measurement of the API budget: real workers, the simulator, and enough messages for five windows."""

import os
import signal
import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dramatiq
from rich.progress import Progress

from benchmarks.budget_deliveries import count_done, count_ready, noted
from benchmarks.budget_figures import Figures, Ideal, figures
from benchmarks.budget_people import People, people_calling
from benchmarks.installation import Servers, installed, limited_simulator
from sandbox.servers import WatchedProcess
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import PROJECT
from workers.boot.resources import Resources
from workers.budget import BudgetLimits
from workers.queue import Queue
from workers.services.connect import connect_organization

WINDOWS = 5  #: the number of windows that the work fills

_THREADS = 2  #: per worker
_LATENCY_MS = 50  #: of the simulator's responses
_PATIENCE = 3  #: a measurement is aborted after this multiple of the ideal duration
_START_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Scenario:
    """The settings of one measurement."""

    name: str
    processes: int
    organizations: int = 1
    is_killed: bool = False  #: a worker is killed in the middle, and another one is started
    people: People | None = None  #: interactive calls during the bulk calls
    rival: str | None = None  #: the actor of benchmarks.budget_rivals that makes the calls; None: booksync's own

    def __str__(self) -> str:
        return f"{self.name}, {self.processes} process{'es' if self.processes > 1 else ''}"

    def bulk_slots(self, limits: BudgetLimits) -> int:
        """The slots of a window that the budget leaves to bulk calls."""
        return limits.shared_slots if self.people is People.BURSTS else limits.bulk_slots

    @property
    def module(self) -> str:
        return "benchmarks.budget_rivals" if self.rival else "benchmarks.budget_worker"

    @property
    def actor(self) -> str:
        return self.rival or "call_in_bulk"


def measure(servers: Servers, scenario: Scenario, limits: BudgetLimits, progress: Progress) -> Figures:
    """The figures of one scenario; all processes that it started have ended."""
    with (
        limited_simulator(
            limits, latency_ms=_LATENCY_MS, organizations=scenario.organizations, contacts=1, invoices=1
        ) as zoho,
        installed(servers, zoho, limits) as resources,
        _Workers(scenario.module) as workers,
    ):
        return _Measurement(scenario, limits, progress, zoho, resources, workers).run()


@dataclass(frozen=True, slots=True)
class _Measurement:
    scenario: Scenario
    limits: BudgetLimits
    progress: Progress
    zoho: SandboxControl
    resources: Resources
    workers: "_Workers"

    def run(self) -> Figures:
        connection_ids = [_connect(self.resources, self.zoho, each) for each in self.zoho.organization_ids()]
        for _ in range(self.scenario.processes):
            self.workers.start()
        self._await_workers(self.scenario.processes)
        self.zoho.reset_stats()
        messages = WINDOWS * self.scenario.bulk_slots(self.limits) * len(connection_ids)
        for message in range(messages):
            self._send(message, connection_ids[message % len(connection_ids)])
        with ExitStack() as people:
            waits: list[list[float]] = []
            if self.scenario.people:
                calling = people_calling(self.resources, connection_ids[0], self.limits, self.scenario.people)
                waits = people.enter_context(calling)
            self._await_messages(messages)
        return figures(
            self.zoho.stats(),
            noted(self.resources.redis),
            messages=messages,
            window_seconds=self.limits.window_seconds,
            ideal=self._ideal(),
            waits=waits,
        )

    def _ideal(self) -> Ideal:
        """The other limiters keep neither a reserve nor a margin."""
        if self.scenario.rival:
            return Ideal(self.limits.requests_per_minute, self.limits.window_seconds)
        return Ideal(self.scenario.bulk_slots(self.limits), self.limits.span_seconds)

    def _send(self, message: int, connection_id: uuid.UUID) -> None:
        self.resources.broker.enqueue(
            dramatiq.Message(
                queue_name=Queue.API,
                actor_name=self.scenario.actor,
                args=(message, str(connection_id)),
                kwargs={},
                options={},
            )
        )

    def _await_workers(self, count: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while count_ready(self.resources.redis) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The workers did not start; their log ends:\n{self.workers.last_words()}")
            time.sleep(_POLL_SECONDS)

    def _await_messages(self, messages: int) -> None:
        """Wait until all calls are made or the time is up; kill a worker if the scenario says so."""
        task = self.progress.add_task(str(self.scenario), total=messages)
        deadline = time.monotonic() + _PATIENCE * WINDOWS * self.limits.span_seconds
        is_killed = False
        while (done := count_done(self.resources.redis)) < messages and time.monotonic() < deadline:
            self.progress.update(task, completed=done)
            if self.scenario.is_killed and not is_killed and done > messages // 2:
                os.kill(noted(self.resources.redis)[-1].process, signal.SIGKILL)
                self.workers.start()
                is_killed = True
            time.sleep(_POLL_SECONDS)
        self.progress.update(task, completed=done, total=done)


def _connect(resources: Resources, zoho: SandboxControl, organization_id: str) -> uuid.UUID:
    with SandboxControl(zoho.url, organization_id) as control:
        linked = connect_organization(
            resources,
            user_id=uuid.uuid4(),
            organization_id=organization_id,
            data_center="com",
            refresh_token=control.refresh_token,
        )
    return linked.connection_id


class _Workers:
    """Worker processes, each with its own master, because a master ends if its only worker is killed."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._started: list[WatchedProcess] = []
        self._end = ExitStack()

    def __enter__(self) -> "_Workers":
        self._log = Path(self._end.enter_context(TemporaryDirectory(prefix="booksync-benchmark-")), "workers.log")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.ask_to_stop()
        with self._end:
            for process in self._started:
                process.stop()

    def start(self) -> None:
        program = str(Path(sys.executable).with_name("dramatiq"))
        size = ("--processes", "1", "--threads", str(_THREADS), "--queues", Queue.API)
        self._started.append(WatchedProcess([program, self._module, *size], log=self._log, cwd=PROJECT))

    def last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
