"""Statements over dead_letters: messages that no worker will try again by itself."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead message: ids only, and an error without data."""

    message_id: str
    queue_name: str
    actor_name: str
    arguments: dict[str, Any]
    error: str
    traceback: str | None


def keep(connection: Connection, letter: Letter) -> None:
    """Stores the letter until a person decides; the same message dies once, however often it is delivered."""
    connection.execute(
        text("""
            INSERT INTO dead_letters (message_id, queue_name, actor_name, arguments, error, traceback)
            VALUES (:message_id, :queue_name, :actor_name, :arguments, :error, :traceback)
            ON CONFLICT (message_id) DO NOTHING
        """),
        {name: getattr(letter, name) for name in letter.__slots__} | {"arguments": Jsonb(letter.arguments)},
    )
