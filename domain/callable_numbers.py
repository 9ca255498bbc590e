"""Callable numbers: whether a valid number may be called, as its text, its kind and its owners say (FR-6)."""

from dataclasses import dataclass

from domain.phones import NotCallable, PhoneKind
from domain.reminder_policy import ReminderPolicy

#: A doubtful number is shared from this many names on, because two customers do not have one number by coincidence.
DOUBTFUL_NAMES = 2


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What a policy looks at to decide whether a customer's valid number is called."""

    kind: PhoneKind | None = None
    not_callable: NotCallable | None = None  #: as the text and the digits say
    is_doubtful: bool = False  #: `PhoneVerdict.doubts` is not empty
    is_confirmed: bool = False  #: by a person, who vouches for the number and that it may be called
    names: int = 1  #: different names of the user's live customers with this number

    def why_not_callable(self, policy: ReminderPolicy) -> str | None:
        """The sentence that says why the number is not to be called; None where nothing is against it."""
        if self.is_confirmed:
            return None
        if self.not_callable is not None:
            return self.not_callable.sentence
        if self.kind is not None and self.kind in policy.kinds_not_called:
            return f"It is {self.kind.in_words}, and the policy does not call these."
        return None

    def why_shared(self, policy: ReminderPolicy) -> str | None:
        """The sentence that says that too many customers have the number; None where they are few enough."""
        if self.is_confirmed or not policy.shared_number_customers:
            return None
        if self.names >= policy.shared_number_customers:
            return f"{self.names:,} customers of different names have this number."
        if self.is_doubtful and self.names >= DOUBTFUL_NAMES:
            return f"{self.names:,} customers of different names have this number, and it looks invented or foreign."
        return None
