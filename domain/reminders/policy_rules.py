"""What each rule of a reminder policy means, for people who show or change it."""

from collections.abc import Mapping
from typing import Final

#: The rule's key in the policy's JSON → its meaning.
MEANINGS: Final[Mapping[str, str]] = {
    "steps": "days from the due date",
    "usual_time": "the time of a reminder, in the customer's time zone",
    "opens": "the start of the calling window",
    "closes": "the end of the calling window",
    "weekdays": "Monday to Friday stands for the working days of the customer's country",
    "skip_holidays": "no reminder on public holidays of the customer's country",
    "most_steps": "the most reminders of one invoice",
    "contacts_a_day": "the most handovers for one phone number a day",
    "contacts_a_week": "the most handovers for one phone number in any seven days",
    "stale_after_minutes": "no handover if the last successful invoice sync is older",
    "detail_calls_per_run": "calls of a run for facts that only a record's details have, a day ahead",
    "max_age_days": "no reminders for a debt that has been due for longer",
    "minimum_balances": "no reminders for smaller balances; * stands for other currencies",
    "held_sub_statuses": "an invoice whose sub-status contains one of these words is held",
    "respect_credits": "no reminders for an invoice that the customer's unused credits cover",
    "kinds_not_called": "kinds of phone numbers that are not called",
    "shared_number_customers": "a number that this many customers with different names share is not called (0: it is)",
    "zones": "the time zones that count for a country's numbers",
    "unknown_zone": "the substitute for an unknown time zone: skip, organisation, or a time zone",
}
