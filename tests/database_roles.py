"""The roles of `booksync roles`, under names unique to a test."""

import re
import uuid
from dataclasses import dataclass, field

from db import roles

_ROLES = ("booksync_owner", "booksync_worker", "booksync_web", "reminder_sender")


@dataclass(frozen=True)
class DatabaseRoles:
    """Roles with unique names, because roles belong to the whole server and other tests use the same server."""

    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def owner(self) -> str:
        return self._named("booksync_owner")

    @property
    def worker(self) -> str:
        return self._named("booksync_worker")

    @property
    def web(self) -> str:
        return self._named("booksync_web")

    @property
    def sender(self) -> str:
        return self._named("reminder_sender")

    def creation(self) -> str:
        """The SQL for a superuser that makes the roles."""
        return self._named(roles.creation())

    def grants(self) -> str:
        """The SQL for the owner that grants each role what it needs."""
        return self._named(roles.grants())

    def removal(self) -> str:
        """SQL that drops the roles; run it after the databases with their objects or privileges are dropped."""
        return "".join(f"DROP ROLE IF EXISTS {self._named(role)};" for role in _ROLES)

    def _named(self, words: str) -> str:
        return re.sub("|".join(_ROLES), lambda role: f"{role[0]}_{self.suffix}", words)
