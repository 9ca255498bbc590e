"""The commands of the Procfile, as a shell reads them where no variable is set."""

import re
import shlex

from tests.end_to_end.installation import PROJECT


def command(process: str) -> list[str]:
    """The words of a process's command."""
    lines = dict(line.split(": ", 1) for line in (PROJECT / "Procfile").read_text().splitlines())
    return shlex.split(re.sub(r"\$\{\w+:-(.*?)\}", r"\1", lines[process]))
