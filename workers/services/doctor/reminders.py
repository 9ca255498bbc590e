"""Checks of what reminders depend on: handovers, calendars, time zones, countries, doubtful numbers."""

from collections.abc import Iterator, Sequence

from domain.reminders.opening import Handover
from workers.services.doctor.connections import ConnectionFacts
from workers.services.doctor.findings import Finding, Part, counted, warning


def check_reminders(connections: Sequence[ConnectionFacts]) -> list[Finding]:
    """Return the troubles of reminders."""
    return [
        finding
        for each in connections
        for finding in (*_closed(each), *_calendars(each), *_time_zone(each), *_countries(each), *_numbers(each))
    ]


def _closed(facts: ConnectionFacts) -> Iterator[Finding]:
    waiting = facts.state["waiting_calls"]
    if facts.state["handover"] == Handover.CLOSED and waiting:
        yield warning(
            Part.REMINDERS,
            "handover_closed",
            f"Handover of connection {facts.connection_id} is closed for {counted(waiting, 'waiting call')}",
            cause="no person has looked at the preview and opened it",
            next_step=f"booksync reminders preview {facts.connection_id}",
        )


def _calendars(facts: ConnectionFacts) -> Iterator[Finding]:
    for country, year in facts.state["calendars_that_end"].items():
        yield warning(
            Part.REMINDERS,
            "calendar_ends",
            f"The public holidays of {country} are known only until {year}",
            cause="the package holidays has no later ones, so customers there may be called on a holiday",
            next_step="upgrade booksync, or the package holidays",
        )


def _time_zone(facts: ConnectionFacts) -> Iterator[Finding]:
    state = facts.state
    if state["unknown_time_zone"] is not None or not state["time_zone_is_known"]:
        named = state["unknown_time_zone"] or state["time_zone"] or "none"
        yield warning(
            Part.REMINDERS,
            "time_zone_unknown",
            f"The time zone of organisation {state['organization_id']} is not an IANA zone ({named})",
            cause="Zoho names it so, and booksync cannot know the organisation's clock",
            next_step="choose one in Zoho Books, then run a full sync",
        )


def _countries(facts: ConnectionFacts) -> Iterator[Finding]:
    state = facts.state
    if state["country_code"] is None:
        yield warning(
            Part.REMINDERS,
            "country_unknown",
            f"The country of organisation {state['organization_id']} is not known",
            cause="Zoho names none; numbers without a country prefix then need a country in the customer's address",
            next_step="choose a country in Zoho Books, then run a full sync",
        )
    customers = state["customers_with_unknown_country"]
    if customers:
        yield warning(
            Part.REMINDERS,
            "countries_not_understood",
            f"The countries of {counted(customers, 'customer')} of connection {facts.connection_id} are not understood",
            cause="Zoho has texts for countries that booksync does not know",
            next_step=f"booksync status {facts.connection_id} lists the texts; correct them in Zoho",
        )


def _numbers(facts: ConnectionFacts) -> Iterator[Finding]:
    doubtful = facts.doubtful
    if doubtful is not None and doubtful.owed:
        owed = " and ".join(f"{amount:,.2f} {currency}".strip() for currency, amount in sorted(doubtful.owed.items()))
        yield warning(
            Part.REMINDERS,
            "doubtful_numbers",
            f"{owed} are owed by {counted(doubtful.customers, 'customer')} with a doubtful number "
            f"(connection {facts.connection_id})",
            cause="a number is not valid, not callable, or may be another one",
            next_step=f"booksync phones audit {facts.connection_id}",
        )
