"""The interfaces that the Zoho client needs from the rest of booksync: access tokens and the budget."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from workers.budget import Lane


@dataclass(frozen=True, slots=True)
class Token:
    """A connection's access token, and the API origin that Zoho returned with it (None without one)."""

    value: str = field(repr=False)
    api_domain: str | None = None
    reusable_seconds: float = field(default=0.0, compare=False)  #: the time until `Tokens.current` must be asked again


class Tokens(Protocol):
    """One connection's token, shared by every worker."""

    def current(self) -> Token:
        """The token to use now.

        Raises:
            ZohoError: the errors of `workers.zoho.oauth`, if a new token had to be requested.
        """
        ...

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:
        """The token for the next attempt after Zoho has refused the stale one; of many callers, only one renews it.

        It may be the stale token itself, unless that was `tried_again` already: a refusal may be temporary, and
        renewals are limited. None ends the attempts: no other token will be granted, or the call is `is_one_record` and
        its refusal more likely concerns that record than the token.

        Raises:
            ZohoError: the errors of `workers.zoho.oauth`.
            TokenNotRenewed: no other token is granted at present.
        """
        ...


class Admission(Protocol):
    """The right to make one call now."""

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        """Reports Zoho's response to the budget: HTTP status, Zoho's code, headers (in any case)."""
        ...


class Budget(Protocol):
    """The organisation's calls, shared by every worker."""

    def call(self, organization_id: str, *, lane: Lane, holder: str) -> AbstractContextManager[Admission]:
        """Admits one call while the context is open; the budget's errors (BudgetWait) pass through the client."""
        ...
