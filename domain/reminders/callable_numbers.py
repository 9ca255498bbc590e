"""Callable numbers: whether a valid number may be called, by its text, its kind and its number of customers (FR-6)."""

from dataclasses import dataclass

from domain.phones import NotCallable, PhoneKind
from domain.reminders.policy import ReminderPolicy

#: A doubtful number counts as shared if customers of at least this many different names have it, because two customers
#: rarely have the same number by coincidence.
DOUBTFUL_NAMES = 2


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """The facts by which a policy decides whether a customer's valid number is called."""

    kind: PhoneKind | None = None
    not_callable: NotCallable | None = None  #: an objection by the text and the digits
    is_doubtful: bool = False  #: `PhoneVerdict.doubts` is not empty
    is_confirmed: bool = False  #: a person has confirmed the number, and that it may be called
    names: int = 1  #: the number of different names of the user's live customers with this number

    def why_not_callable(self, policy: ReminderPolicy) -> str | None:
        """The reason, as a sentence, why the number is not called; None if it may be called."""
        if self.is_confirmed:
            return None
        if self.not_callable is not None:
            return self.not_callable.sentence
        if self.kind is not None and self.kind in policy.kinds_not_called:
            return f"It is {self.kind.in_words}, and the policy does not call these."
        return None

    def why_shared(self, policy: ReminderPolicy) -> str | None:
        """The reason, as a sentence, why too many customers share the number; None if they are not too many."""
        if self.is_confirmed or not policy.shared_number_customers:
            return None
        if self.names >= policy.shared_number_customers:
            return f"{self.names:,} customers of different names have this number."
        if self.is_doubtful and self.names >= DOUBTFUL_NAMES:
            return f"{self.names:,} customers of different names have this number, and it looks invented or foreign."
        return None
