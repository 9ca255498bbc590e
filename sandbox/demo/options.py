"""The options of the demo's command line."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the simulated organisation."""

    contacts: int = 1000
    invoices: int = 3000


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the demo's command line, and the folder of the commands that the demo starts."""

    folder: Path = Path(".demo")
    once: bool = False
    as_json: bool = False
    fresh: bool = False
    contacts: int | None = None  # None means the size stored in the folder, else the default size.
    invoices: int | None = None
    # The folder of the scripts that are installed next to the interpreter, so that the environment need not be
    # activated.
    programs: Path = Path(sys.executable).parent
