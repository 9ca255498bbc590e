"""The phone rule as the revisions see it: the function that gives the verdict on a phone text.

The revisions are frozen and the phone rule is not, so alembic/env.py passes the present rule to the revisions. The
verdict is provisional: the first sync makes the verdict on every number again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from alembic import op

#: The key of the configuration's attributes under which env.py stores the rule.
ATTRIBUTE: Final = "phone_rule"


@dataclass(frozen=True, slots=True)
class JudgedPhone:
    """The verdict on a phone text: either the number, or the problem with the text."""

    raw: str = field(repr=False)
    e164: str | None = field(default=None, repr=False)
    problem: str | None = None
    not_callable: str | None = None  #: why a valid number is not callable

    @property
    def is_valid(self) -> bool:
        """Whether the text is one number."""
        return self.problem is None


#: The rule's arguments: the phone text, and the country whose number it is without a prefix (ISO 3166-1 alpha-2).
PhoneRule = Callable[[str, str | None], JudgedPhone]


def phone_rule() -> PhoneRule:
    """The phone rule of the release that migrates."""
    config = op.get_context().config
    assert config is not None
    rule: PhoneRule = config.attributes[ATTRIBUTE]
    return rule
