"""Attempts of one call: it survives the same errors as a run, with the same number of attempts."""

import pytest

from domain.runs import MAX_ATTEMPTS
from domain.walk import WalkStuck
from workers.budget import BudgetUnavailable, BudgetWait, WaitReason
from workers.jobs.attempts import Attempts
from workers.zoho.errors import (
    BadRequest,
    ClientRejected,
    MissingScope,
    OAuthThrottled,
    Throttled,
    TokenNotRenewed,
    UnusableResponse,
    ZohoUnavailable,
)


class Upstream:
    """Raises its errors one after the other, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.waits: list[float] = []

    def call(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "page"

    def read(self) -> str:
        return Attempts(on_wait=lambda _seconds, _reason: None, sleep=self.waits.append).of(self.call)


@pytest.mark.parametrize("error", [ZohoUnavailable(), UnusableResponse(), WalkStuck()], ids=repr)
def test_transient_error_is_retried_with_growing_waits(error: Exception) -> None:
    upstream = Upstream(*[error] * (MAX_ATTEMPTS - 1))
    assert upstream.read() == "page"
    assert len(upstream.waits) == MAX_ATTEMPTS - 1
    assert upstream.waits == sorted(upstream.waits)


@pytest.mark.parametrize("error", [ZohoUnavailable(), UnusableResponse(), WalkStuck()], ids=repr)
def test_the_last_attempts_error_is_raised(error: Exception) -> None:
    upstream = Upstream(*[error] * MAX_ATTEMPTS)
    with pytest.raises(type(error)):
        upstream.read()
    assert upstream.calls == MAX_ATTEMPTS


@pytest.mark.parametrize(
    "error", [Throttled(code=44), Throttled(code=1070), OAuthThrottled(), TokenNotRenewed()], ids=repr
)
def test_wait_with_a_known_end_uses_no_attempt(error: Exception) -> None:
    upstream = Upstream(*[error] * (MAX_ATTEMPTS * 2))
    assert upstream.read() == "page"


def test_budgets_wait_lasts_as_long_as_the_budget_requires() -> None:
    upstream = Upstream(BudgetWait(42.5, WaitReason.MINUTE))
    assert upstream.read() == "page"
    assert upstream.waits == [42.5]


@pytest.mark.parametrize(
    "error",
    [BadRequest(), MissingScope(), ClientRejected(), BudgetUnavailable("does not respond"), KeyError("a defect")],
    ids=repr,
)
def test_permanent_error_is_raised_at_once(error: Exception) -> None:
    upstream = Upstream(error)
    with pytest.raises(type(error)):
        upstream.read()
    assert (upstream.calls, upstream.waits) == (1, [])


def test_each_wait_is_reported_with_its_reason() -> None:
    reported: list[tuple[float, str]] = []
    upstream = Upstream(BudgetWait(3, WaitReason.MINUTE))
    Attempts(on_wait=lambda *wait: reported.append(wait), sleep=lambda _: None).of(upstream.call)
    (wait,) = reported
    assert wait[0] == 3
    assert "API budget" in wait[1]
