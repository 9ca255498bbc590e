"""Postgres and Valkey whose clocks stand still until the benchmark moves them, by Debian's libfaketime."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.installation import Servers, ending_with_sigterm
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey

#: Another place of the library; else it is searched where Debian's package libfaketime installs it.
LIBRARY = "FAKETIME_LIBRARY"


class SimulatedClock:
    """One clock in a file, which both servers read at each look at the time. It begins at the present."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._library = folder / "libfaketime.so"
        self._library.write_bytes(_library().read_bytes())
        self.began = self.now = float(int(datetime.now(UTC).timestamp()))
        self.advance(0)
        for each in (self._file, self._library):
            each.chmod(0o644)

    def advance(self, seconds: float) -> None:
        """Move the clock; it shows whole milliseconds."""
        self.now = round(self.now + seconds, 3)
        shown = datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        new = self._file.with_suffix(".new")
        new.write_text(f"{shown[:-3]}\n")
        new.chmod(0o644)
        new.replace(self._file)

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return self.now - self.began

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """The command of a server that lives by this clock. Timeouts are those of the machine."""
        variables = {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()), *command]


class _ClockedPostgres(EmbeddedPostgres):
    def __init__(self, folder: Path, clock: SimulatedClock) -> None:
        super().__init__(folder)
        self._clock = clock

    def _command(self, port: int) -> Sequence[str]:
        return self._clock.command(super()._command(port))


class _ClockedValkey(EmbeddedValkey):
    def __init__(self, folder: Path, clock: SimulatedClock) -> None:
        super().__init__(folder, durable=False)
        self._clock = clock

    def _command(self, port: int) -> Sequence[str]:
        return self._clock.command(super()._command(port))


@contextmanager
def simulated_servers() -> Iterator[tuple[Servers, SimulatedClock]]:
    """Real servers and their common clock, which is removed at the end of the block."""
    ending_with_sigterm()
    with TemporaryDirectory(prefix="booksync-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres may run as another user.
        clock = SimulatedClock(folder)
        with (
            _ClockedPostgres(folder / "postgres", clock) as postgres,
            _ClockedValkey(folder / "valkey", clock) as valkey,
        ):
            yield Servers(postgres, valkey), clock


def _library() -> Path:
    places = [Path(chosen)] if (chosen := os.environ.get(LIBRARY)) else []
    places += sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    for place in places:
        if place.is_file():
            return place
    raise SystemExit(f"benchmarks.fleet needs libfaketime: install Debian's package of that name, or set {LIBRARY}")
