"""The funnel: how many open invoices reach each stage on the way to a call, and why the other invoices drop out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.reminders.permission import SkipReason


class Stage(StrEnum):
    """The stages that an open invoice passes on the way to a call."""

    OPEN = "open"
    REACHABLE = "reachable"  #: the invoice's customer is cached and has a callable number
    MAY_BE_ASKED = "may_be_asked"  #: the invoice has no objection against asking for its money
    TO_COME = "to_come"  #: a reminder is planned
    TOMORROW = "tomorrow"  #: the reminder is planned for tomorrow

    @property
    def words(self) -> str:
        """The invoices that reach the stage, for people."""
        return _WORDS[self]


_WORDS: Mapping[Stage, str] = {
    Stage.OPEN: "open invoices",
    Stage.REACHABLE: "customer can be reached",
    Stage.MAY_BE_ASKED: "may be asked for",
    Stage.TO_COME: "with a scheduled reminder",
    Stage.TOMORROW: "to be called about tomorrow",
}


class LaterReason(StrEnum):
    """The reason why an invoice with a planned reminder is not called about tomorrow."""

    ANOTHER_DAY = "another_day"

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people."""
        return "Its reminder comes on another day."


LossReason = SkipReason | LaterReason

#: Reason → the first stage that an invoice with this reason does not reach. Any other reason: `MAY_BE_ASKED`.
LOST_BEFORE: Mapping[LossReason, Stage] = {
    SkipReason.CUSTOMER_MISSING: Stage.REACHABLE,
    SkipReason.GONE: Stage.REACHABLE,
    SkipReason.CUSTOMER_DELETED: Stage.REACHABLE,
    SkipReason.CUSTOMER_INACTIVE: Stage.REACHABLE,
    SkipReason.NO_PHONE: Stage.REACHABLE,
    SkipReason.INVALID_PHONE: Stage.REACHABLE,
    SkipReason.NOT_CALLABLE: Stage.REACHABLE,
    SkipReason.NUMBER_SHARED: Stage.REACHABLE,
    SkipReason.WRONG_NUMBER: Stage.REACHABLE,
    SkipReason.TIME_ZONE_UNKNOWN: Stage.TO_COME,
    SkipReason.MOST_STEPS_SENT: Stage.TO_COME,
    SkipReason.BEFORE_OPENING: Stage.TO_COME,
    SkipReason.DISCONNECTED: Stage.TO_COME,
    SkipReason.ALL_STEPS_PAST: Stage.TO_COME,
    SkipReason.ALL_STEPS_SENT: Stage.TO_COME,
    LaterReason.ANOTHER_DAY: Stage.TOMORROW,
}


@dataclass
class Tally:
    """A number of invoices, and the sums of their balances by currency."""

    invoices: int = 0
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, currency_code: str, amount: Decimal, invoices: int = 1) -> None:
        self.invoices += invoices
        self.amounts[currency_code] += amount

    @property
    def sums(self) -> str:
        """The three largest amounts for people, in whole units of their currencies."""
        largest = sorted(((amount, code) for code, amount in self.amounts.items() if amount), reverse=True)
        shown = ", ".join(f"{amount:,.0f} {code}".strip() for amount, code in largest[:3])
        return f"{shown} and {len(largest) - 3} more" if len(largest) > 3 else shown


@dataclass
class Funnel:
    """The open invoices, and those that drop out on the way to a call, by reason."""

    open: Tally = field(default_factory=Tally)
    losses: dict[LossReason, Tally] = field(default_factory=lambda: defaultdict(Tally))

    def add(self, currency_code: str, amount: Decimal, reason: LossReason | None, invoices: int = 1) -> None:
        """Count invoices. `reason` says why no call about them is planned for tomorrow; None: a call is planned."""
        self.open.add(currency_code, amount, invoices)
        if reason is not None:
            self.losses[reason].add(currency_code, amount, invoices)

    def reaching(self, stage: Stage) -> Tally:
        """The invoices that reach this stage."""
        stages = list(Stage)
        left = Tally(self.open.invoices, defaultdict(Decimal, self.open.amounts))
        for reason, lost in self.losses.items():
            if stages.index(lost_before(reason)) <= stages.index(stage):
                left.invoices -= lost.invoices
                for currency, amount in lost.amounts.items():
                    left.amounts[currency] -= amount
        return left

    def lost_before(self, stage: Stage) -> list[tuple[LossReason, Tally]]:
        """The invoices that reach the stage before `stage`, but not `stage` itself, by reason."""
        reasons: tuple[LossReason, ...] = (*SkipReason, *LaterReason)
        return [(reason, self.losses[reason]) for reason in reasons if self._is_lost(reason, stage)]

    def _is_lost(self, reason: LossReason, stage: Stage) -> bool:
        return reason in self.losses and lost_before(reason) is stage


def lost_before(reason: LossReason) -> Stage:
    """The first stage that an invoice with this reason does not reach."""
    return LOST_BEFORE.get(reason, Stage.MAY_BE_ASKED)
