"""The examination of an installation: reads the facts of every part in time, and lets the checks judge them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Generic, TypeVar

from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.boot.basics import Basics, open_basics
from workers.boot.calls import new_budget
from workers.boot.settings import SettingsError, settings
from workers.redis_access.client import redis_client
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Part
from workers.services.doctor.from_postgres import read_postgres
from workers.services.doctor.from_redis import read_redis
from workers.services.doctor.judgement import SERVERS_SECONDS, judge
from workers.services.doctor.settings import check_settings

#: The time limits of one statement and one command, so that the examination ends in time.
_POSTGRES_SECONDS: Final = 3.0
_REDIS_SECONDS: Final = 2.0

#: After this time the progress is reported.
_PROGRESS_SECONDS: Final = 2.0

_T = TypeVar("_T")


def examine_installation(progress: Callable[[str], None] = lambda _: None) -> Checkup:
    """Examine the installation of this command's settings, within 10 s.

    `progress` is called with the names of the servers that have not responded for a while.
    """
    try:
        settings()
    except SettingsError as problem:
        reason = "the settings are not complete"
        return Checkup.of(check_settings(str(problem)), {part: reason for part in Part if part is not Part.SETTINGS})
    with open_basics("booksync doctor", postgres_seconds=_POSTGRES_SECONDS) as basics:
        quick = _with_quick_redis(basics)
        try:
            return _examine_in_time(quick, progress)
        finally:
            quick.redis.close()


def _with_quick_redis(basics: Basics) -> Basics:
    client = redis_client(
        basics.settings.redis_url.get_secret_value(), retry=Retry(NoBackoff(), 0), timeout_seconds=_REDIS_SECONDS
    )
    budget = new_budget(client, basics.engine, basics.counters, basics.settings)
    return replace(basics, redis=client, budget=budget)


class _Task(Generic[_T]):
    """A function in a thread of its own, which does not keep the process from ending."""

    def __init__(self, name: str, work: Callable[[], _T]) -> None:
        self.name = name
        self._result: _T | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._result = self._work()

    def wait(self, until: float) -> None:
        self._thread.join(max(0.0, until - time.monotonic()))

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    @property
    def result(self) -> _T | None:
        """The result; None if the function has not ended."""
        return self._result if self.is_done else None


def _examine_in_time(basics: Basics, progress: Callable[[str], None]) -> Checkup:
    began = time.monotonic()
    postgres = _Task("Postgres", lambda: read_postgres(basics))
    redis = _Task("Redis", lambda: read_redis(basics))
    for until in (began + _PROGRESS_SECONDS, began + SERVERS_SECONDS):
        postgres.wait(until)
        redis.wait(until)
        if slow := [each.name for each in (postgres, redis) if not each.is_done]:
            progress(" and ".join(slow))
    return judge(basics, postgres.result, redis.result)
