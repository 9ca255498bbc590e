"""Starts, restarts and stops the demo's long-running processes."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox.demo.errors import DemoError

#: A service that ends this many times within this many seconds is not restarted.
DEATHS = 3
DEATHS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A command that runs as long as the demo."""

    name: str
    command: tuple[str, ...]
    log: Path


class Process(Protocol):
    """What a running command of the demo can do; `sandbox.servers.WatchedProcess` implements it."""

    def poll(self) -> int | None: ...
    def ask_to_stop(self) -> None: ...
    def stop(self) -> int: ...


@dataclass(slots=True)
class _Charge:
    service: Service
    process: Process
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))


class Supervisor:
    """Restarts services that have ended, each time `check` is called."""

    def __init__(
        self,
        launch: Callable[[Service], Process],
        *,
        on_restart: Callable[[Service, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a supervisor. `on_restart` is called with an ended service and its exit code, before the restart."""
        self._launch = launch
        self._on_restart = on_restart
        self._clock = clock
        self._charges: list[_Charge] = []

    def start(self, service: Service) -> None:
        """Start a service of the demo and keep it running."""
        self._charges.append(_Charge(service, self._launch(service)))

    def check(self) -> None:
        """Restart the services of the demo that have ended.

        Raises:
            DemoError: a service ends again and again.
        """
        for charge in self._charges:
            code = charge.process.poll()
            if code is not None:
                self._revive(charge, code)

    def stop(self) -> None:
        """Stop all services of the demo in parallel."""
        for charge in self._charges:
            charge.process.ask_to_stop()
        while self._charges:
            self._charges.pop().process.stop()

    def _revive(self, charge: _Charge, code: int) -> None:
        charge.process.stop()
        now = self._clock()
        charge.deaths.append(now)
        if len(charge.deaths) == DEATHS and now - charge.deaths[0] < DEATHS_WITHIN_SECONDS:
            sentence = f"The {charge.service.name} ended {DEATHS} times in a row (exit code {code})"
            raise DemoError(sentence, log=charge.service.log)
        self._on_restart(charge.service, code)
        charge.process = self._launch(charge.service)
