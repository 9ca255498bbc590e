"""Promises of boot/calls.py: a pause stored in Postgres becomes a pause of the budget."""

from db.api_use import StoredPause
from tests.tables import table
from workers.boot.calls import _pause_left
from workers.budget import PauseLeft, PauseReason


@table(
    ("stored", "known"),
    [
        (StoredPause(7200, "day", 600), PauseLeft(7200, PauseReason.DAY, 3000)),
        # The probe is due.
        (StoredPause(7200, "day", 3600), PauseLeft(7200, PauseReason.DAY, 0)),
        (StoredPause(7200, "day", 9000), PauseLeft(7200, PauseReason.DAY, 0)),
        # Another release did not record the probe.
        (StoredPause(7200, "day", None), PauseLeft(7200, PauseReason.DAY, 0)),
        (StoredPause(50, "minute", None), PauseLeft(50, PauseReason.MINUTE, 0)),
        # Not a reason from Zoho.
        (StoredPause(50, "forgotten", None), PauseLeft(50, PauseReason.MINUTE, 0)),
        (StoredPause(50, "garbage", None), PauseLeft(50, PauseReason.MINUTE, 0)),
        (StoredPause(50, None, None), PauseLeft(50, PauseReason.MINUTE, 0)),
    ],
)
def test_a_stored_pause_becomes_one_of_the_budget(stored: StoredPause, known: PauseLeft) -> None:
    assert _pause_left(stored) == known
