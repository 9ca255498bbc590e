"""Promises of domain/phone_audit.py: the numbers that a person should check, and their order."""

from decimal import Decimal
from typing import Any

from domain.phone_audit import AuditRules, PhoneFacts, audit, reasons_of, totals
from tests.tables import table

RULES = AuditRules(kinds_not_called=("premium_rate",), shared_by=10)


def facts(customer_id: str = "5001", **known: Any) -> PhoneFacts:
    amounts = {currency: Decimal(amount) for currency, amount in known.pop("owed", {}).items()}
    known = {"customer": "Ada", "phone_text": "030 1234567", "number": "+49301234567"} | known
    return PhoneFacts(customer_id, owed=amounts, **known)


@table(
    ("known", "reasons"),
    [
        ({}, []),
        ({"kind": "mobile"}, []),
        ({"problem": "not_alone", "number": None}, ["not_alone"]),
        # The organisation's country may be the reason for the rejection.
        ({"problem": "too_short", "number": None, "assumed_country": "DE"}, ["too_short", "assumed_country"]),
        ({"problem": "not_a_number", "number": None, "assumed_country": "DE"}, ["not_a_number"]),
        ({"not_callable": "fax"}, ["fax"]),
        ({"kind": "premium_rate"}, ["premium_rate"]),
        ({"doubts": ("run", "foreign", "example")}, ["foreign", "example", "run"]),
        ({"assumed_country": "DE"}, ["assumed_country"]),
        # An ordinary number is shared by many, a doubtful one by two.
        ({"names": 9}, []),
        ({"names": 10}, ["number_shared"]),
        ({"names": 2, "doubts": ("run",)}, ["number_shared", "run"]),
        ({"names": 1, "doubts": ("run",)}, ["run"]),
        # A value from a newer release.
        ({"problem": "unheard_of", "number": None}, ["unheard_of"]),
    ],
)
def test_each_doubt_is_a_reason(known: dict[str, Any], reasons: list[str]) -> None:
    assert [reason.name for reason in reasons_of(facts(**known), RULES)] == reasons


def test_without_a_limit_in_the_policy_no_number_is_shared() -> None:
    rules = AuditRules(kinds_not_called=(), shared_by=0)
    assert reasons_of(facts(names=100), rules) == ()


def test_an_assumed_country_is_named() -> None:
    (reason,) = reasons_of(facts(assumed_country="IN"), RULES)
    assert "a number of India" in reason.sentence


def test_the_largest_debts_are_first_and_the_own_currency_is_before_others() -> None:
    found = audit(
        [
            facts("1", number="+49301", not_callable="fax", owed={"USD": "9000"}),
            facts("2", number="+49302", not_callable="fax", owed={"EUR": "5"}),
            facts("3", number="+49303", not_callable="fax", owed={"EUR": "70", "USD": "1"}),
            facts("4", number="+49304", not_callable="fax"),
        ],
        RULES,
        home_currency="EUR",
    )
    assert [number.customers[0].facts.customer_id for number in found] == ["3", "2", "1", "4"]


def test_a_shared_number_counts_with_all_of_its_customers() -> None:
    found = audit(
        [
            facts("1", number="+49301", not_callable="fax", owed={"EUR": "50"}),
            facts("2", doubts=("run",), names=2, owed={"EUR": "30"}),
            facts("3", doubts=("run",), names=2, owed={"EUR": "40"}),
        ],
        RULES,
        home_currency="EUR",
    )
    assert [[customer.facts.customer_id for customer in number.customers] for number in found] == [["3", "2"], ["1"]]
    assert found[0].owed == {"EUR": Decimal(70)}


def test_two_customers_with_the_same_rejected_text_do_not_share_a_number() -> None:
    refused = {"number": None, "phone_text": "n/a", "problem": "not_a_number"}
    assert len(audit([facts("1", **refused), facts("2", **refused)], RULES, home_currency="EUR")) == 2


def test_numbers_without_doubts_are_left_out() -> None:
    assert audit([facts()], RULES, home_currency="EUR") == []


def test_each_customer_is_counted_once() -> None:
    found = audit(
        [
            facts("1", not_callable="fax", doubts=("run",), owed={"EUR": "1"}),
            facts("2", not_callable="fax", owed={"EUR": "2"}),
            facts("3", number="+49303", doubts=("run",), owed={"EUR": "4"}),
        ],
        RULES,
        home_currency="EUR",
    )
    assert [(total.reason, total.customers, total.owed) for total in totals(found)] == [
        ("fax", 2, {"EUR": Decimal(3)}),
        ("run", 1, {"EUR": Decimal(4)}),
    ]
