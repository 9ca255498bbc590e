"""A person's login at Zoho, whose grant Zoho has just accepted: the organisations that it may read, in one API call."""

import time
import uuid
from collections.abc import Callable, Sequence

from domain.errors import BooksyncError
from domain.time_zones import known_zone
from workers.boot.calls import CountedBudget
from workers.boot.resources import Resources
from workers.budget import BudgetWait, Lane
from workers.services.grant_sources import GrantSource
from workers.zoho import OrganizationFacts, ZohoTransport, get_organizations

#: The longest time that a person waits here for the API budget. This time exceeds the window that the budget waits
#: after a loss of Redis's data.
LONGEST_WAIT_SECONDS = 120.0


class UnknownTimeZoneError(BooksyncError):
    """Zoho does not name an IANA time zone for the organisation, so the start of its day is unknown."""


def organizations_of(
    resources: Resources,
    source: GrantSource,
    *,
    organization_id: str,
    on_wait: Callable[[float], None] = lambda _: None,
    patience_seconds: float = LONGEST_WAIT_SECONDS,
) -> Sequence[OrganizationFacts]:
    """The organisations of the grant's login. The call is counted in the API budget of `organization_id`.

    Raises:
        ZohoError: Zoho does not accept the token, or cannot be reached.
        BudgetWait: the call would have to wait longer than `patience_seconds`.
    """
    transport = ZohoTransport(
        resources.http,
        organization_id=organization_id,
        hosts=source.hosts,
        tokens=source.tokens,
        budget=CountedBudget(resources.budget, resources.call_notes, resources.counters),
        lane=Lane.INTERACTIVE,
        holder=f"connect-{uuid.uuid4()}",
    )
    return _patiently(lambda: get_organizations(transport), on_wait, patience_seconds)


def require_known_zone(facts: OrganizationFacts) -> None:
    """Check that the organisation can be connected.

    Raises:
        UnknownTimeZoneError: the organisation's time zone is not an IANA zone.
    """
    if known_zone(facts.time_zone) is None:
        raise UnknownTimeZoneError(
            f"Zoho names {facts.time_zone or 'no time zone'} as the time zone of organisation {facts.organization_id},"
            " which is not an IANA zone. Choose one in Zoho Books under Settings, Organization Profile, then connect"
            " again."
        )


def _patiently(
    ask: Callable[[], Sequence[OrganizationFacts]], on_wait: Callable[[float], None], patience: float
) -> Sequence[OrganizationFacts]:
    while True:
        try:
            return ask()
        except BudgetWait as wait:
            patience -= wait.seconds
            if patience < 0:
                raise
            on_wait(wait.seconds)
            time.sleep(wait.seconds)
