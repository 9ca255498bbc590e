"""Promises of domain/reminders/policy.py: consistent rules stay unchanged, others are rejected with a sentence."""

import datetime as dt
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from domain.reminders.calling_window import CallingWindow, InvalidPolicyError
from domain.reminders.policy import ANY_CURRENCY, ORGANISATION, SKIP, ReminderPolicy, weekdays_named
from tests.tables import table


@table(
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
        ({"contacts_a_week": 0}, "from 1 to 700 contacts a week"),
        ({"contacts_a_week": 701}, "from 1 to 700 contacts a week"),
        ({"max_age_days": 0}, "too old after 1 to 3650 days"),
        ({"max_age_days": 3651}, "too old after 1 to 3650 days"),
        ({"minimum_balances": {"EUR": Decimal(-1)}}, "from 0 to 1,000,000,000: EUR"),
        # SQL does not read it as a number.
        ({"minimum_balances": {"EUR": Decimal("-0")}}, "from 0 to 1,000,000,000: EUR"),
        ({"minimum_balances": {"EUR": Decimal(1_000_000_000)}}, "from 0 to 1,000,000,000: EUR"),
        ({"minimum_balances": {"EUR": Decimal("NaN")}}, "from 0 to 1,000,000,000: EUR"),
        ({"minimum_balances": {"EUR": Decimal("Infinity")}}, "from 0 to 1,000,000,000: EUR"),
        ({"minimum_balances": {"eur": Decimal(1)}}, "a code such as EUR"),
        ({"minimum_balances": {"euro": Decimal(1)}}, "a code such as EUR"),
        ({"minimum_balances": {"": Decimal(1)}}, "a code such as EUR"),
        ({"held_sub_statuses": ("dispute", " ")}, "is a word, such as dispute"),
        ({"kinds_not_called": ("premium",)}, "A kind of number is one of fixed_line, mobile, .*: premium"),
        ({"kinds_not_called": ("pager", "")}, "A kind of number is one of"),
        ({"shared_number_customers": 1}, "from 2 to 10,000 customers on, or never"),
        ({"shared_number_customers": -1}, "from 2 to 10,000 customers on, or never"),
        ({"shared_number_customers": 10_001}, "from 2 to 10,000 customers on, or never"),
        ({"zones": {"Australia": ("Australia/Perth",)}}, "a code of two letters"),
        ({"zones": {"au": ("Australia/Perth",)}}, "a code of two letters"),
        ({"zones": {"AU": ()}}, "The zones of AU need at least one name"),
        ({"zones": {"AU": ("Australia/Perth", "Perth")}}, "Perth is not an IANA time zone"),
        ({"unknown_zone": "Perth"}, "Perth is not an IANA time zone"),
        ({"unknown_zone": ""}, "is not an IANA time zone"),
        ({"unknown_zone": "Singapore"}, "Singapore is not an IANA time zone, such as"),
        ({"zones": {"NZ": ("NZ",)}}, "NZ is not an IANA time zone"),
    ],
)
def test_a_contradictory_policy_is_rejected(wrong: dict[str, Any], message: str) -> None:
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
            contacts_a_week=5,
            max_age_days=90,
            minimum_balances=MappingProxyType({"EUR": Decimal("2.50"), ANY_CURRENCY: Decimal(0)}),
            held_sub_statuses=("dispute", "lawyer"),
            respect_credits=False,
            kinds_not_called=("voip", "pager"),
            shared_number_customers=25,
            zones=MappingProxyType({"AU": ("Australia/Sydney", "Australia/Perth")}),
            unknown_zone="Asia/Kolkata",
        ),
        ReminderPolicy(minimum_balances=MappingProxyType({}), held_sub_statuses=(), unknown_zone=ORGANISATION),
        ReminderPolicy(kinds_not_called=(), shared_number_customers=0),
    ],
)
def test_a_policy_survives_json(policy: ReminderPolicy) -> None:
    stored = orjson.loads(orjson.dumps(policy.to_json()))
    assert ReminderPolicy.from_json(stored) == policy


def test_by_default_tiny_balances_old_debts_and_unknown_clocks_get_no_reminder() -> None:
    policy = ReminderPolicy()
    assert (policy.minimum_balance("EUR"), policy.max_age_days, policy.unknown_zone) == (Decimal(1), 365, SKIP)
    assert (policy.contacts_a_day, policy.contacts_a_week) == (1, 3)
    assert policy.respect_credits


def test_by_default_kinds_that_reach_no_person_and_numbers_of_ten_customers_are_not_called() -> None:
    policy = ReminderPolicy()
    assert policy.kinds_not_called == ("premium_rate", "shared_cost", "pager", "voicemail")
    assert policy.shared_number_customers == 10


@pytest.mark.parametrize(
    ("minimums", "currency", "minimum"),
    [
        ({"EUR": Decimal(5), "*": Decimal(2)}, "EUR", 5),
        ({"EUR": Decimal(5), "*": Decimal(2)}, "USD", 2),
        ({"EUR": Decimal(5), "*": Decimal(2)}, "", 2),
        ({"EUR": Decimal(5)}, "USD", 0),
        ({}, "USD", 0),
    ],
)
def test_a_currency_has_its_own_minimum_or_that_of_all_others(
    minimums: dict[str, Decimal], currency: str, minimum: int
) -> None:
    assert ReminderPolicy(minimum_balances=minimums).minimum_balance(currency) == minimum


def test_a_missing_rule_has_its_default() -> None:
    assert ReminderPolicy.from_json({"steps": [1]}) == ReminderPolicy(steps=(1,))


def test_a_rule_of_a_newer_release_is_ignored() -> None:
    assert ReminderPolicy.from_json({"steps": [1], "colour": "red"}) == ReminderPolicy(steps=(1,))


def test_the_json_is_readable_for_people() -> None:
    told = ReminderPolicy().to_json()
    assert (told["usual_time"], told["weekdays"]) == ("10:00", ["mon", "tue", "wed", "thu", "fri"])


@table(
    ("json", "message"),
    [
        ({"steps": ["soon"]}, "The rule steps.0 cannot be understood"),
        ({"usual_time": "late"}, "The rule usual_time"),
        ({"weekdays": ["someday"]}, "A weekday is one of mon, tue"),
        ({"weekdays": ["monkey"]}, "A weekday is one of mon, tue"),
        ({"opens": "09:00:30"}, "in hours and minutes"),
        ({"opens": "19:00"}, "must open"),
        ({"minimum_balances": {"EUR": "much"}}, "The rule minimum_balances.EUR"),
        ({"minimum_balances": {"EUR": "NaN"}}, "The rule minimum_balances.EUR"),
        ({"zones": {"AU": "Australia/Perth"}}, "The rule zones.AU"),
        ({"zones": {"AU": ["Perth"]}}, "Perth is not an IANA time zone"),
        ({"kinds_not_called": "pager"}, "The rule kinds_not_called"),
        ({"shared_number_customers": "many"}, "The rule shared_number_customers"),
        ({"unknown_zone": None}, "The rule unknown_zone"),
    ],
)
def test_an_invalid_rule_is_rejected(json: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPolicyError, match=message):
        ReminderPolicy.from_json(json)


def test_weekdays_have_names() -> None:
    assert weekdays_named(["Mon", " sunday "]) == {0, 6}
