"""Promises of domain/reminder_policy.py: rules that go together are kept as they are, others refused in a sentence."""

import datetime as dt
from typing import Any

import pytest

from domain.calling_window import CallingWindow, InvalidPolicyError
from domain.reminder_policy import ReminderPolicy, weekdays_named


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": ()}, "at least one step"),
        ({"steps": (0, 0)}, "each only once"),
        ({"steps": (3, 0)}, "must ascend"),
        ({"steps": (0, 3651)}, "at most 3650 days"),
        ({"most_steps": 0}, "from 1 to 1000 reminders, or any number"),
        ({"most_steps": 1001}, "from 1 to 1000 reminders, or any number"),
        ({"contacts_a_day": 0}, "from 1 to 100 contacts a day"),
        ({"contacts_a_day": 3_000_000_000}, "from 1 to 100 contacts a day"),
        ({"stale_after_minutes": 0}, "stale after 1 to"),
        ({"stale_after_minutes": 7 * 24 * 60 + 1}, "stale after 1 to"),
        ({"detail_calls_per_run": -1}, "from 0 to 1000"),
        ({"detail_calls_per_run": 1001}, "from 0 to 1000"),
        ({"window": CallingWindow(opens=dt.time(9, 0, 30))}, "in hours and minutes"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPolicyError, match=message):
        ReminderPolicy(**wrong)


@pytest.mark.parametrize(
    "policy",
    [
        ReminderPolicy(),
        ReminderPolicy(
            steps=(-30, 1),
            window=CallingWindow(frozenset({0, 6}), dt.time(7, 30), dt.time(21), dt.time(8, 15)),
            skip_holidays=False,
            most_steps=4,
            contacts_a_day=3,
            stale_after_minutes=30,
            detail_calls_per_run=0,
        ),
    ],
)
def test_a_policy_is_kept_as_it_is(policy: ReminderPolicy) -> None:
    assert ReminderPolicy.from_json(policy.to_json()) == policy


def test_a_rule_that_is_left_out_has_its_default() -> None:
    assert ReminderPolicy.from_json({"steps": [1]}) == ReminderPolicy(steps=(1,))


def test_a_rule_of_a_newer_release_is_passed_over() -> None:
    assert ReminderPolicy.from_json({"steps": [1], "colour": "red"}) == ReminderPolicy(steps=(1,))


def test_people_read_it() -> None:
    told = ReminderPolicy().to_json()
    assert (told["usual_time"], told["weekdays"]) == ("10:00", ["mon", "tue", "wed", "thu", "fri"])


@pytest.mark.parametrize(
    ("json", "message"),
    [
        ({"steps": ["soon"]}, "The rule steps.0 cannot be understood"),
        ({"usual_time": "late"}, "The rule usual_time"),
        ({"weekdays": ["someday"]}, "A weekday is one of mon, tue"),
        ({"weekdays": ["monkey"]}, "A weekday is one of mon, tue"),
        ({"opens": "09:00:30"}, "in hours and minutes"),
        ({"opens": "19:00"}, "must open"),
    ],
)
def test_what_is_no_rule_is_refused(json: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPolicyError, match=message):
        ReminderPolicy.from_json(json)


def test_weekdays_have_names() -> None:
    assert weekdays_named(["Mon", " sunday "]) == {0, 6}
