"""Checks of what Zoho grants: the day's calls, throttling, the token endpoint, the honoured filters."""

from collections.abc import Iterator, Sequence

from workers.budget import throttled_sentence
from workers.services.doctor.connections import ConnectionFacts
from workers.services.doctor.findings import Finding, Part, error, span, warning


def check_zoho(connections: Sequence[ConnectionFacts]) -> list[Finding]:
    """Return the troubles with Zoho. Connections of one organisation share its budget, so it is judged once."""
    found: dict[tuple[str, str], Finding] = {}
    for each in connections:
        for finding in _budget(each):
            found.setdefault((str(each.state["organization_id"]), finding.name), finding)
    return [*found.values(), *(finding for each in connections for finding in (*_tokens(each), *_lists(each)))]


def _budget(facts: ConnectionFacts) -> Iterator[Finding]:
    budget = facts.budget
    if budget is None:
        return
    organization = facts.state["organization_id"]
    if budget.day_waits_seconds > 0:
        is_refused = budget.paused_reason == "day"
        kept = f"only the {budget.day_kept:,} are left that ZOHO_DAILY_RESERVE keeps for other programs"
        yield error(
            Part.ZOHO,
            "day_spent",
            f"The day's calls of organisation {organization} are spent: its runs wait for at most "
            f"{span(budget.day_waits_seconds)}",
            cause="Zoho refuses calls (code 45)" if is_refused else kept,
            next_step=f"wait, or buy a larger plan at Zoho, then: booksync budget resume {facts.connection_id}",
        )
    elif budget.throttles:
        yield warning(
            Part.ZOHO,
            "throttled",
            f"Zoho has refused {budget.throttles} calls of organisation {organization} within our own limit",
            cause="other programs share the organisation's allowance",
            next_step="lower ZOHO_REQUESTS_PER_MINUTE, or let the other programs call less",
        )
    if budget.paused_seconds > 0 and budget.paused_reason == "forgotten":
        yield warning(
            Part.ZOHO,
            "budget_forgotten",
            f"All calls of organisation {organization} pause for {span(budget.paused_seconds)}",
            cause="Redis has lost the record of recent calls, and Zoho may still count them",
            next_step="wait; calls resume automatically",
        )


def _tokens(facts: ConnectionFacts) -> Iterator[Finding]:
    since = facts.state["token_endpoint_throttled_since"]
    if since is not None:
        yield warning(
            Part.ZOHO,
            "tokens_throttled",
            f"Zoho grants connection {facts.connection_id} no access token",
            cause=throttled_sentence(since).rstrip("."),
            next_step="wait; if it lasts for hours, end the other programs that use this client",
            since=since,
        )


def _lists(facts: ConnectionFacts) -> Iterator[Finding]:
    for name, note in facts.distrusted.items():
        yield warning(
            Part.ZOHO,
            "filter_ignored",
            f"Zoho ignores the filter or the order of the list of {name} (connection {facts.connection_id})",
            cause=f"its rows were other ones than requested: {note}",
            next_step="nothing is lost, but syncs cost more calls: report it to Zoho's support if it lasts",
        )
