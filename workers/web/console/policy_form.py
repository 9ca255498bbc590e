"""The form of a reminder policy: each rule as a field with text, and the rules that a person has sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.reminders.calling_window import InvalidPolicyError
from domain.reminders.policy import ReminderPolicy
from domain.reminders.policy_rules import MEANINGS
from workers.web.forms import Form, one


class Kind(StrEnum):
    """How a rule is written in the form."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    SWITCH = "switch"  #: a checkbox
    LIST = "list"  #: parts, separated by commas
    AMOUNTS = "amounts"  #: CURRENCY=AMOUNT, one a line
    ZONES = "zones"  #: COUNTRY=ZONE, ZONE, one a line


#: The rules by groups, each with its kind.
_GROUPS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "When": {
        "steps": Kind.LIST,
        "usual_time": Kind.TIME,
        "opens": Kind.TIME,
        "closes": Kind.TIME,
        "weekdays": Kind.LIST,
        "skip_holidays": Kind.SWITCH,
    },
    "How often": {
        "most_steps": Kind.NUMBER,
        "contacts_a_day": Kind.NUMBER,
        "contacts_a_week": Kind.NUMBER,
    },
    "About which debts": {
        "max_age_days": Kind.NUMBER,
        "minimum_balances": Kind.AMOUNTS,
        "held_sub_statuses": Kind.LIST,
        "respect_credits": Kind.SWITCH,
        "stale_after_minutes": Kind.NUMBER,
        "detail_calls_per_run": Kind.NUMBER,
    },
    "Which numbers and clocks": {
        "kinds_not_called": Kind.LIST,
        "shared_number_customers": Kind.NUMBER,
        "zones": Kind.ZONES,
        "unknown_zone": Kind.TEXT,
    },
}


@dataclass(frozen=True, slots=True)
class Field:
    """One rule in the form."""

    rule: str
    kind: Kind
    meaning: str
    value: str  #: as a person writes it; "on" for a switch that is on


@dataclass(frozen=True, slots=True)
class Change:
    """One rule whose value changes, both values as a person writes them."""

    rule: str
    before: str
    after: str


def groups_of(values: Mapping[str, str]) -> Mapping[str, Sequence[Field]]:
    """Return the form's fields with these values, by group."""
    return {
        title: [Field(rule, kind, MEANINGS[rule], values.get(rule, "")) for rule, kind in rules.items()]
        for title, rules in _GROUPS.items()
    }


def values_of(policy: ReminderPolicy) -> dict[str, str]:
    """Return the policy's rules as a person writes them."""
    return {rule: _written(value) for rule, value in policy.to_json().items()}


def values_in(form: Form) -> dict[str, str]:
    """Return the rules that were sent, as the person has written them."""
    # Postgres stores no NUL.
    return {rule: one(form, rule).replace("\0", "") for rules in _GROUPS.values() for rule in rules}


def policy_from(values: Mapping[str, str]) -> ReminderPolicy:
    """Return the policy that a person has written.

    Raises:
        InvalidPolicyError: a rule cannot be understood, or the rules contradict each other.
    """
    kinds = {rule: kind for rules in _GROUPS.values() for rule, kind in rules.items()}
    return ReminderPolicy.from_json({rule: _read(values[rule].strip(), kind) for rule, kind in kinds.items()})


def changes(before: ReminderPolicy, after: ReminderPolicy) -> Sequence[Change]:
    """Return the rules whose values differ."""
    old, new = values_of(before), values_of(after)
    return [Change(rule, old[rule], new[rule]) for rule in old if old[rule] != new[rule]]


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else ""
        case list():
            return ", ".join(map(str, value))
        case dict():
            return "\n".join(f"{name}={_written(each)}" for name, each in value.items())
        case _:
            return str(value)


def _read(text: str, kind: Kind) -> Any:
    match kind:
        case Kind.SWITCH:
            return bool(text)
        case Kind.LIST:
            return _parts(text)
        case Kind.NUMBER:
            return text or None
        case Kind.AMOUNTS:
            return _pairs(text)
        case Kind.ZONES:
            return {country: _parts(names) for country, names in _pairs(text).items()}
        case _:
            return text


def _pairs(text: str) -> dict[str, str]:
    """Read lines such as `EUR=5`, with the names in upper case."""
    pairs = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if line.strip() and not equals:
            raise InvalidPolicyError(f"Write NAME=VALUE on each line, not {line.strip()[:60]}.")
        if line.strip():
            pairs[name.strip().upper()] = value.strip()
    return pairs


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
