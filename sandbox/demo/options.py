"""What the demo is asked to do."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """How large the simulated organisation is made."""

    contacts: int = 1000
    invoices: int = 3000


@dataclass(frozen=True, slots=True)
class Options:
    """The command line's choices, and where the commands are that the demo starts."""

    folder: Path = Path(".demo")
    once: bool = False
    as_json: bool = False
    fresh: bool = False
    contacts: int | None = None  # None: as the folder has it, else the usual size.
    invoices: int | None = None
    # The scripts installed beside the interpreter, whether or not its environment is activated.
    programs: Path = Path(sys.executable).parent
