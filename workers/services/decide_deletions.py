"""Applies or dismisses the held deletions of one connection as one recorded action."""

import uuid
from collections.abc import Collection

from db import connections, held_deletions
from db.held_deletions import Held
from domain.activity import Action
from domain.entities import entities
from domain.errors import BooksyncError
from workers.boot.basics import Basics
from workers.services.activity import RecordedAction
from workers.services.held_deletions import apply, dismiss

_DONE = {Action.APPLY_DELETIONS: "marked deleted", Action.DISMISS_DELETIONS: "kept"}


class OtherDeletionsError(BooksyncError):
    """The records that wait for a decision are not those that the page showed. Nothing changed. Next: look again."""


def decide_all(
    basics: Basics, action: Action, connection_id: uuid.UUID, begun: RecordedAction, *, expected: int
) -> str:
    """Apply or dismiss all held deletions of a connection; return a sentence about the result.

    Raises:
        OtherDeletionsError: there are not `expected` ones any more.
        UnknownConnectionError: no connection has this id.
        ActionInterruptedError: the process is asked to end; the rest is unchanged.
    """
    chosen = _held(basics, connection_id)
    if len(chosen) != expected:
        raise OtherDeletionsError
    return _decide(basics, action, connection_id, begun, chosen)


def decide_some(
    basics: Basics,
    action: Action,
    connection_id: uuid.UUID,
    begun: RecordedAction,
    records: Collection[tuple[str, str]],
) -> str:
    """Apply or dismiss the deletions of these records, each a kind and an id in Zoho, as `decide_all` does.

    Raises:
        OtherDeletionsError: a record is not held any more.
    """
    chosen = [held for held in _held(basics, connection_id) if (held.entity.kind, held.record_id) in records]
    if not chosen or len(chosen) != len(set(records)):
        raise OtherDeletionsError
    return _decide(basics, action, connection_id, begun, chosen)


def _held(basics: Basics, connection_id: uuid.UUID) -> list[Held]:
    with basics.engine.connect() as db:
        return held_deletions.held(db, connection_id)


def _decide(basics: Basics, action: Action, connection_id: uuid.UUID, begun: RecordedAction, chosen: list[Held]) -> str:
    with basics.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    begun.expect(len(chosen))
    decide = apply if action is Action.APPLY_DELETIONS else dismiss
    numbers = decide(basics.engine, connection, chosen, begun.advance)
    words = [_counted(numbers[entity], entity.noun) for entity in entities() if numbers[entity]]
    changed = sum(numbers.values())
    begun.result = f"{' and '.join(words) or 'No records'} {'is' if changed == 1 else 'are'} {_DONE[action]}."
    if left := len(chosen) - changed:
        begun.result += f" {left:,} not changed: read from Zoho again, or decided in the meantime."
    return begun.result


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
