"""The interfaces that the Zoho client needs from the other packages of booksync: access tokens and the API budget."""

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
    """The access token of one connection, shared by all workers."""

    def current(self) -> Token:
        """The access token to use now.

        Raises:
            ZohoError: the errors of `workers.zoho.oauth`, if a new token had to be requested.
        """
        ...

    def renewed(self, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token | None:
        """The access token for the next attempt after Zoho has refused the token `stale`; None ends the attempts.

        If many callers ask at once, one of them gets a new token from Zoho for all. The result may be `stale` again,
        because a refusal may be temporary, and Zoho limits the number of new tokens. With `tried_again` the caller has
        already tried `stale` a second time, so `stale` is not returned. None means that the caller must stop: with
        `is_one_record` the call reads one record, and Zoho probably refuses that record, not the token.

        Raises:
            ZohoError: the errors of `workers.zoho.oauth`.
            TokenNotRenewed: no other token is granted at present.
        """
        ...


class Admission(Protocol):
    """The right to make one call to Zoho now."""

    def responded(self, status: int, code: int | None, headers: Mapping[str, str]) -> None:
        """Report Zoho's response to the API budget: HTTP status, Zoho's code, headers (names in any letter case)."""
        ...


class Budget(Protocol):
    """The API budget: the organisation's calls, shared by all workers."""

    def call(self, organization_id: str, *, lane: Lane, holder: str) -> AbstractContextManager[Admission]:
        """Admit one call while the context is open.

        Raises:
            BudgetWait: the API budget grants the call later. The Zoho client does not catch this error.
        """
        ...
