"""Promises of workers/sync/spare_calls.py: which errors stop the details that a run can do without."""

import pytest

from workers.budget import BudgetWait, WaitReason
from workers.sync.spare_calls import Asked, ask_each
from workers.zoho.errors import OAuthThrottled, Throttled, TokenNotRenewed


def asking(error: Exception) -> Asked:
    def ask(_record: str) -> None:
        raise error

    return ask_each(["1", "2"], ask, action="details.failed")


@pytest.mark.parametrize("seconds", [10, 3600])
def test_a_spent_day_stops_them_however_soon_it_is_probed(seconds: float) -> None:
    assert asking(BudgetWait(seconds, WaitReason.DAY)) is Asked.STOPPED


def test_the_minute_is_waited_for() -> None:
    with pytest.raises(BudgetWait):
        asking(BudgetWait(10, WaitReason.MINUTE))


@pytest.mark.parametrize("error", [Throttled(), OAuthThrottled(), TokenNotRenewed(seconds=60)])
def test_what_concerns_every_call_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        asking(error)
