"""What the budget's scripts decide."""

from dataclasses import dataclass

from workers.budget.errors import PauseReason, WaitReason


@dataclass(frozen=True, slots=True)
class Granted:
    """The budget's decision that a call may be made now. `at` is Redis's time in milliseconds."""

    call: str
    at: int
    pool: str
    is_probe: bool = False  #: whether the call probes that a spent day is over


@dataclass(frozen=True, slots=True)
class Wait:
    """The budget's decision that a call may be made only later."""

    seconds: float
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Redis has no memory of the organisation's budget (new, emptied, restarted, failed over), or none to rely on."""

    damage: str = ""  #: the kind of damage, for the log; empty if the memory is only new
    is_clock_ahead: bool = False  #: Redis's clock was set forward, so earlier calls seem older than they are


@dataclass(frozen=True, slots=True)
class Pause:
    """The budget's decision that all calls of the organisation pause."""

    seconds: float
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class Lifted:
    """A probe has ended the pause of a spent day."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause that a person has just lifted."""

    pause: Pause | None
    forgotten_seconds: float  #: the seconds of a wait for forgotten calls, which continues; 0 without one


@dataclass(frozen=True, slots=True)
class PauseLeft:
    """A pause that Postgres remembers."""

    seconds: float
    reason: PauseReason
    #: For the pause of a spent day: the seconds until one call may probe whether the day is over.
    probe_in_seconds: float = 0.0
