"""The audit of phone numbers: the numbers that a person should check, why, and the open amounts of their customers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from domain.amounts import Amounts, by_debt, sum_of
from domain.countries import country_name
from domain.phones import Doubt, NotCallable, PhoneProblem
from domain.reminders.callable_numbers import DOUBTFUL_NAMES

NUMBER_SHARED = "number_shared"
ASSUMED_COUNTRY = "assumed_country"

_SHARED = "Customers of different names have the same number."

#: The order of doubts in the audit. FOREIGN comes first, because the text may mean another number.
_DOUBTS_IN_ORDER = (Doubt.FOREIGN, Doubt.EXAMPLE, Doubt.RUN)


class Reason(NamedTuple):
    """Why a number is in the audit."""

    name: str  #: one of PhoneProblem, NotCallable, PhoneKind, Doubt, NUMBER_SHARED, ASSUMED_COUNTRY
    sentence: str


@dataclass(frozen=True, slots=True)
class AuditRules:
    """The rules of a connection's policy about phone numbers."""

    kinds_not_called: Collection[str]
    shared_by: int  #: the number of different names from which a shared number is not called; 0: it is always called


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """The cached facts of a customer's number."""

    customer_id: str  #: the customer's id in Zoho
    customer: str = field(repr=False)
    phone_text: str = field(repr=False)
    number: str | None = field(repr=False)  #: the number in E.164; None if its text is rejected
    problem: str | None = None
    not_callable: str | None = None
    kind: str | None = None
    doubts: tuple[str, ...] = ()
    assumed_country: str | None = None
    names: int = 1  #: different names of the customers that have the number
    owed: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditedCustomer:
    """A customer with a number that a person should check."""

    facts: PhoneFacts
    reasons: tuple[Reason, ...]  #: the reasons for a check, the most important first; at least one

    @property
    def explanation(self) -> str:
        return " ".join(reason.sentence for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class AuditedNumber:
    """A doubtful number with all customers that have it, or the rejected text of one customer."""

    number: str | None = field(repr=False)
    customers: tuple[AuditedCustomer, ...]

    @property
    def owed(self) -> Amounts:
        return sum_of(customer.facts.owed for customer in self.customers)


@dataclass(frozen=True, slots=True)
class ReasonTotal:
    """The number of customers whose first reason is `reason`, and their open amounts."""

    reason: str
    sentence: str
    customers: int
    owed: Amounts


def audit(facts: Iterable[PhoneFacts], rules: AuditRules, *, home_currency: str) -> Sequence[AuditedNumber]:
    """The numbers that a person should check, with their customers, sorted by the open amount, highest first.

    Amounts of different currencies cannot be compared, so numbers with amounts in `home_currency` come first.
    """
    groups: dict[str, list[AuditedCustomer]] = defaultdict(list)
    for each in facts:
        if reasons := reasons_of(each, rules):
            # Two customers with the same rejected text do not share a number.
            groups[each.number or f"customer {each.customer_id}"].append(AuditedCustomer(each, reasons))

    numbers = [
        AuditedNumber(
            customers[0].facts.number,
            tuple(
                sorted(customers, key=lambda each: (by_debt(each.facts.owed, home_currency), each.facts.customer_id))
            ),
        )
        for customers in groups.values()
    ]
    return sorted(numbers, key=lambda each: (by_debt(each.owed, home_currency), each.customers[0].facts.customer_id))


def reasons_of(facts: PhoneFacts, rules: AuditRules) -> tuple[Reason, ...]:
    """Why a person should check the number, the most important reason first; empty if nothing is doubtful."""
    return tuple(chain(_refused(facts), _not_called(facts, rules), _doubtful(facts), _assumed(facts)))


def totals(numbers: Iterable[AuditedNumber]) -> Sequence[ReasonTotal]:
    """Each reason with its customers, the most frequent reason first. A customer counts under its first reason only."""
    by_reason: dict[str, list[AuditedCustomer]] = defaultdict(list)
    for number in numbers:
        for customer in number.customers:
            by_reason[customer.reasons[0].name].append(customer)
    found = [
        ReasonTotal(
            reason,
            _SHARED if reason == NUMBER_SHARED else customers[0].reasons[0].sentence,
            len(customers),
            sum_of(customer.facts.owed for customer in customers),
        )
        for reason, customers in by_reason.items()
    ]
    return sorted(found, key=lambda total: (-total.customers, total.reason))


def _refused(facts: PhoneFacts) -> Iterable[Reason]:
    if facts.problem:
        known = facts.problem in set(PhoneProblem)
        yield Reason(facts.problem, PhoneProblem(facts.problem).sentence if known else "The number cannot be dialled.")


def _not_called(facts: PhoneFacts, rules: AuditRules) -> Iterable[Reason]:
    if facts.not_callable:
        known = facts.not_callable in set(NotCallable)
        yield Reason(facts.not_callable, NotCallable(facts.not_callable).sentence if known else "It is not called.")
    if facts.kind in rules.kinds_not_called:
        yield Reason(facts.kind or "", f"Its kind is not called: {(facts.kind or '').replace('_', ' ')}.")
    shared_by = min(DOUBTFUL_NAMES, rules.shared_by) if facts.doubts else rules.shared_by
    if rules.shared_by and facts.names >= shared_by:
        yield Reason(NUMBER_SHARED, f"Customers of {facts.names} different names have it.")


def _doubtful(facts: PhoneFacts) -> Iterable[Reason]:
    for doubt in _DOUBTS_IN_ORDER:
        if doubt in facts.doubts:
            yield Reason(doubt, doubt.sentence)


def _assumed(facts: PhoneFacts) -> Iterable[Reason]:
    # A text that contains no number is rejected for every country.
    if facts.assumed_country and facts.problem != PhoneProblem.NOT_A_NUMBER:
        yield Reason(
            ASSUMED_COUNTRY,
            f"It was judged as a number of {country_name(facts.assumed_country)}, the organisation's country, because "
            "booksync does not know the customer's.",
        )
