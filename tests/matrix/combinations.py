"""What one combination has, and the environment that chooses its programs."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.servers.binaries import CHOSEN_POSTGRES, CHOSEN_VALKEY

#: With any value, the processes of an end-to-end test reach Postgres through PgBouncer in transaction mode.
POOLED = "MATRIX_POOLED"


@dataclass(frozen=True, slots=True)
class Program:
    """One version of a server or of Python: its name in the table, and its program or folder."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Combination:
    """The programs of one run of the chain."""

    python: Program
    postgres: Program
    valkey: Program
    is_pooled: bool

    @property
    def name(self) -> str:
        pooler = "with PgBouncer" if self.is_pooled else "without PgBouncer"
        return f"{self.python.name}, {self.postgres.name}, {self.valkey.name}, {pooler}"

    @property
    def environment(self) -> dict[str, str]:
        chosen = {CHOSEN_POSTGRES: str(self.postgres.path), CHOSEN_VALKEY: str(self.valkey.path)}
        return chosen | ({POOLED: "yes"} if self.is_pooled else {})
