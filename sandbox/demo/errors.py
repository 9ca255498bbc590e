"""The exceptions that end the demo early."""

from sandbox.servers import SandboxError


class DemoError(SandboxError):
    """A part of the demo failed."""


class Stopped(BaseException):
    """The user pressed Ctrl-C or sent a signal.

    The class is not an `Exception`, so that error handlers do not catch it.
    """
