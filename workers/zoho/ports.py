"""What the Zoho client needs from the rest of booksync: an access token, and leave to make a call."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from workers.budget import Lane


@dataclass(frozen=True, slots=True)
class Token:
    """A connection's access token, and the API origin that Zoho named with it (None: it named none)."""

    value: str = field(repr=False)
    api_domain: str | None = None


class Tokens(Protocol):
    """One connection's token, shared by every worker."""

    def current(self) -> Token:
        """The token to use now.

        Raises:
            ZohoError: those of `workers.zoho.oauth`, where a new one had to be asked for.
        """
        ...

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:
        """What to try after Zoho has refused the stale token; of many workers that ask, one refreshes.

        It may be the stale one itself, unless that was `tried_again` already: a refusal may pass, and refreshes are
        few. None ends the tries: no other token will be granted, or the call is `is_one_record` and its refusal is
        more likely that record's own than the token's.

        Raises:
            ZohoError: those of `workers.zoho.oauth`.
            TokenNotRenewed: no other token is granted for the time being.
        """
        ...


class Admission(Protocol):
    """The right to make one call, now."""

    def answered(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        """Tell the budget what Zoho answered: HTTP status, Zoho's code, headers (their case does not matter)."""
        ...


class Budget(Protocol):
    """The organisation's calls, shared by every worker."""

    def call(self, organization_id: str, *, lane: Lane, holder: str) -> AbstractContextManager[Admission]:
        """Leave to make one call while the context is open; its errors (BudgetWait) pass through the client."""
        ...
