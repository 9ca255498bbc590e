"""The form of a reminder policy: what it shows is what it reads."""

from decimal import Decimal
from types import MappingProxyType

import pytest

from domain.reminders.calling_window import InvalidPolicyError
from domain.reminders.policy import ReminderPolicy
from workers.web.console.policy_form import changes, groups_of, policy_from, values_of


@pytest.mark.parametrize(
    "policy",
    [
        ReminderPolicy(),
        ReminderPolicy(steps=(-10, 400), most_steps=3, skip_holidays=False, respect_credits=False),
        ReminderPolicy(minimum_balances=MappingProxyType({"EUR": Decimal("2.50"), "*": Decimal(0)})),
        # one zone, several zones, and no entries at all
        ReminderPolicy(
            zones=MappingProxyType({"SG": ("Asia/Singapore",), "AU": ("Australia/Perth", "Australia/Sydney")}),
            held_sub_statuses=(),
            kinds_not_called=(),
        ),
    ],
)
def test_an_unchanged_form_is_the_same_policy(policy: ReminderPolicy) -> None:
    assert policy_from(values_of(policy)).to_json() == policy.to_json()
    assert changes(policy, policy_from(values_of(policy))) == []


def test_every_rule_has_a_field() -> None:
    fields = [field.rule for group in groups_of({}).values() for field in group]
    assert sorted(fields) == sorted(ReminderPolicy().to_json())


@pytest.mark.parametrize(
    "changed",
    [{"steps": "x"}, {"steps": ""}, {"opens": "25:00"}, {"contacts_a_day": ""}, {"minimum_balances": "EUR 5"}],
)
def test_a_rule_that_cannot_be_read_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(InvalidPolicyError):
        policy_from(values_of(ReminderPolicy()) | changed)
