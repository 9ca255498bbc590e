"""Which commands each state of a connection allows, and the next step that a refusal names."""

import pytest

from domain.connection_states import Command, ConnectionStatus, WrongStateError, require_possible, state_sentence
from tests.tables import table

ACTIVE, PARKED, PAUSED, DISCONNECTED, ERASING = ConnectionStatus


@table(
    ("command", "states"),
    [
        # A run of a parked connection ends as parked, which a person may ask for.
        (Command.SYNC, {ACTIVE, PARKED}),
        # A comparison changes nothing.
        (Command.VERIFY, {ACTIVE, PARKED, PAUSED}),
        (Command.PAUSE, {ACTIVE, PARKED, PAUSED}),
        # Resuming an active connection changes nothing and raises no error.
        (Command.RESUME, {ACTIVE, PARKED, PAUSED}),
        # A second disconnect completes the first one.
        (Command.DISCONNECT, {ACTIVE, PARKED, PAUSED, DISCONNECTED}),
        (Command.OPEN, {ACTIVE, PARKED}),
        (Command.WEBHOOK, {ACTIVE, PARKED, PAUSED}),
        (Command.SHARE, {ACTIVE, PARKED, PAUSED}),
    ],
)
def test_a_command_is_possible_in_these_states_only(command: Command, states: set[ConnectionStatus]) -> None:
    for status in ConnectionStatus:
        if status in states:
            require_possible(command, status, "1a2b")
        else:
            with pytest.raises(WrongStateError, match="Next: booksync"):
                require_possible(command, status, "1a2b")


def test_a_refusal_names_command_state_and_next_step() -> None:
    with pytest.raises(WrongStateError) as refused:
        require_possible(Command.SYNC, PAUSED, "1a2b")
    assert str(refused.value) == "booksync does not sync connection 1a2b: It is paused. Next: booksync resume 1a2b"


def test_every_state_without_work_names_the_way_out() -> None:
    assert state_sentence(ACTIVE, "1a2b") == ""
    assert all("Next: booksync" in state_sentence(status, "1a2b") for status in ConnectionStatus if status != ACTIVE)
