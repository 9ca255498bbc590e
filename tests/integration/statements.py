"""Records the statements that a process sends to Postgres."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def recorded_statements(engine: Engine | type[Engine] = Engine) -> Iterator[Sequence[str]]:
    """The statements that the engine, or all engines of this process, send inside the block."""
    sent: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", record)


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """Fails if this process sends more statements inside the block, or none."""
    with recorded_statements() as sent:
        yield
    assert 0 < len(sent) <= number, "\n".join(sent)
