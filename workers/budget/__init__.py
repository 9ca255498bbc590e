"""The API budget: how many calls a Zoho organisation still grants all workers together (TR-5: 100 calls a minute)."""

from workers.budget.api_budget import MAX_INLINE_WAIT_SECONDS, Admission, ApiBudget
from workers.budget.decisions import PauseLeft, Resumed
from workers.budget.errors import (
    BudgetUnavailable,
    BudgetWait,
    PauseReason,
    TokenEndpointThrottled,
    WaitReason,
    throttled_sentence,
)
from workers.budget.limits import CALL_SECONDS, BudgetLimits, Lane
from workers.budget.scripts import PROBE_SECONDS
from workers.budget.snapshot import BudgetSnapshot

__all__ = [
    "CALL_SECONDS",
    "MAX_INLINE_WAIT_SECONDS",
    "PROBE_SECONDS",
    "Admission",
    "ApiBudget",
    "BudgetLimits",
    "BudgetSnapshot",
    "BudgetUnavailable",
    "BudgetWait",
    "Lane",
    "PauseLeft",
    "PauseReason",
    "Resumed",
    "TokenEndpointThrottled",
    "WaitReason",
    "throttled_sentence",
]
