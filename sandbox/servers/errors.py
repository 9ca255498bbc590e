"""The errors of the sandbox: one sentence each, with the path of the log that has the details."""

from pathlib import Path


class SandboxError(Exception):
    """A part of the sandbox failed."""

    def __init__(self, sentence: str, *, log: Path | None = None) -> None:
        """Make the error; `sentence` has no full stop at its end, and the path of `log` is added after it."""
        super().__init__(f"{sentence}; its log is {log}" if log is not None else sentence)
        self.log = log


class ServerError(SandboxError):
    """A server could not be found, started or kept running."""
