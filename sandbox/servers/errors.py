"""What goes wrong in the sandbox: one sentence, and where the log lies that says more."""

from pathlib import Path


class SandboxError(Exception):
    """Something of the sandbox could not do its part."""

    def __init__(self, sentence: str, *, log: Path | None = None) -> None:
        """`sentence` ends without a full stop; `log` is named after it."""
        super().__init__(f"{sentence}; its log is {log}" if log is not None else sentence)
        self.log = log


class ServerError(SandboxError):
    """A server could not be found, started or kept running."""
