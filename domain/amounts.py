"""Amounts of money by currency. Amounts of different currencies are neither added nor compared."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

#: Currency code → amount.
Amounts = Mapping[str, Decimal]


def sum_of(amounts: Iterable[Amounts]) -> Amounts:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for each in amounts:
        for currency, amount in each.items():
            total[currency] += amount
    return dict(total)


def by_debt(owed: Amounts, home_currency: str) -> tuple[Decimal, Decimal]:
    """A key that sorts the highest debt first.

    Debts in the home currency come first, because amounts of different currencies cannot be compared.
    """
    return -owed.get(home_currency, Decimal()), -max(owed.values(), default=Decimal())
