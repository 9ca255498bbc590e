"""Promises of domain/reminders/callable_numbers.py: the valid numbers that are not called, each with its reason."""

from domain.phones import KINDS_NOT_CALLED, NotCallable, PhoneKind
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.policy import ReminderPolicy
from tests.tables import table

POLICY = ReminderPolicy()
EVERY_KIND = ReminderPolicy(kinds_not_called=())
EVERY_NUMBER = ReminderPolicy(shared_number_customers=0)


@table(
    ("number", "policy", "sentence"),
    [
        (NumberFacts(), POLICY, None),
        (NumberFacts(kind=PhoneKind.MOBILE), POLICY, None),
        (NumberFacts(not_callable=NotCallable.FAX), POLICY, "The text calls it a fax number."),
        (NumberFacts(not_callable=NotCallable.DIRECTORY), EVERY_KIND, "It is a directory service."),
        (
            NumberFacts(kind=PhoneKind.PREMIUM_RATE),
            POLICY,
            "It is a premium-rate number, and the policy does not call these.",
        ),
        (NumberFacts(kind=PhoneKind.PREMIUM_RATE), EVERY_KIND, None),
        (
            NumberFacts(kind=PhoneKind.VOIP),
            ReminderPolicy(kinds_not_called=("voip",)),
            "It is an internet phone number, and the policy does not call these.",
        ),
        # The reason from the text has precedence.
        (
            NumberFacts(kind=PhoneKind.PAGER, not_callable=NotCallable.OLD_NUMBER),
            POLICY,
            "The text says that the number is an old one.",
        ),
        # A person has confirmed it.
        (NumberFacts(kind=PhoneKind.PAGER, not_callable=NotCallable.FAX, is_confirmed=True), POLICY, None),
        # A doubt alone is not an objection.
        (NumberFacts(is_doubtful=True), POLICY, None),
    ],
)
def test_a_number_may_be_not_callable_by_its_text_its_digits_or_its_kind(
    number: NumberFacts, policy: ReminderPolicy, sentence: str | None
) -> None:
    assert number.why_not_callable(policy) == sentence


@table("kind", PhoneKind)
def test_by_default_the_kinds_that_cost_more_or_reach_no_person_are_not_called(kind: PhoneKind) -> None:
    assert (NumberFacts(kind=kind).why_not_callable(POLICY) is not None) is (kind in KINDS_NOT_CALLED)


@table(
    ("number", "policy", "is_shared"),
    [
        (NumberFacts(names=9), POLICY, False),
        (NumberFacts(names=10), POLICY, True),
        (NumberFacts(names=2), ReminderPolicy(shared_number_customers=2), True),
        (NumberFacts(is_doubtful=True, names=1), POLICY, False),
        (NumberFacts(is_doubtful=True, names=2), POLICY, True),
        (NumberFacts(is_doubtful=True, names=2), ReminderPolicy(shared_number_customers=10_000), True),
        # The rule is disabled, for doubtful numbers as well.
        (NumberFacts(names=5000), EVERY_NUMBER, False),
        (NumberFacts(is_doubtful=True, names=5000), EVERY_NUMBER, False),
        # A person has confirmed it.
        (NumberFacts(is_confirmed=True, names=5000), POLICY, False),
        (NumberFacts(is_confirmed=True, is_doubtful=True, names=2), POLICY, False),
    ],
)
def test_a_number_is_shared_from_the_policys_count_of_names_or_from_two_if_it_is_doubtful(
    number: NumberFacts, policy: ReminderPolicy, is_shared: bool
) -> None:
    assert (number.why_shared(policy) is not None) is is_shared


def test_the_sentence_counts_the_customers_who_share_a_number() -> None:
    assert NumberFacts(names=1200).why_shared(POLICY) == "1,200 customers of different names have this number."
