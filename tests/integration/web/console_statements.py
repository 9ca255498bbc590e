"""Counts the statements that the web process sends to Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Statements:
    """The statements since the beginning of the block."""

    sent: list[str] = field(default_factory=list)

    @contextmanager
    def at_most(self, number: int) -> Iterator[None]:
        """Fails if the block sends more statements."""
        self.sent.clear()
        yield
        assert 0 < len(self.sent) <= number, "\n".join(self.sent)


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """Counts the statements of all engines of this process."""
    found = Statements()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
