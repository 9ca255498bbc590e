"""Repeats a failed call to Zoho for a command, because a command has no run whose step could be retried."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from domain.runs import MAX_ATTEMPTS, retry_seconds
from domain.walk import WalkStuck
from workers.budget import BudgetWait
from workers.jobs.outcomes import Outcome, handling_of
from workers.zoho.errors import ZohoError

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Attempts:
    """Repeats a call to Zoho after a transient error, as often as a run would retry it.

    A wait whose end is known spends no attempt.
    """

    on_wait: Callable[[float, str], None]  #: receives the seconds and the reason of each wait before the wait
    sleep: Callable[[float], None] = time.sleep

    def of(self, call: Callable[[], ResultT]) -> ResultT:
        """Return the result of the call, after as many attempts as a run would make.

        Raises:
            ZohoError, WalkStuck: the last attempt failed, or a further attempt would not help.
            BudgetUnavailable: Redis does not respond.
        """
        attempts = 1
        while True:
            try:
                return call()
            except (BudgetWait, ZohoError, WalkStuck) as error:
                handling = handling_of(error)
                if handling.outcome is Outcome.DEFERRED:
                    seconds = handling.seconds
                elif handling.outcome is Outcome.RETRIED and attempts < MAX_ATTEMPTS:
                    seconds = retry_seconds(attempts, random.random())  # noqa: S311
                    attempts += 1
                else:
                    raise
                self.on_wait(seconds, handling.reason)
            self.sleep(seconds)
