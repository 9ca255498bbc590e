"""What ends the demo before its time."""

from sandbox.servers import SandboxError


class DemoError(SandboxError):
    """A part of the demo failed."""


class Stopped(BaseException):
    """Somebody pressed Ctrl-C or sent a signal. No failure: nothing that handles errors may catch it."""
