"""`booksync policy`: the reminder rules of a connection."""

import uuid
from typing import Annotated, Any

import typer

from db import reminder_policies
from domain.activity import Action
from domain.reminders.calling_window import InvalidPolicyError
from domain.reminders.policy import ReminderPolicy
from domain.reminders.policy_rules import MEANINGS
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Table, sentence, whole
from workers.cli.terminal import counted, out, print_json, results
from workers.services.change_policy import change_policy
from workers.services.find_connection import find_connection

app = plain_typer("Show and change when and how often a connection reminds.")

AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command()
@examples(
    "booksync policy show Acme",
    "booksync policy show Acme --json | jq .policy.steps",
)
def show(given: GivenConnection, as_json: AsJSON = False) -> None:
    """Show the reminder rules of a connection."""
    with open_resources("booksync policy") as resources, resources.engine.connect() as db:
        connection_id = find_connection(db, given)
        policy = reminder_policies.policy_of(db, connection_id)
    _tell(connection_id, policy, as_json=as_json)


@app.command("set")
@examples(
    "booksync policy set Acme --steps=-3,0,7 --time 10:00",
    "booksync policy set Acme --minimum EUR=5 --minimum '*=1'",
    "booksync policy set Acme --defaults --json | jq .replanned",
)
def set_rules(
    named: GivenConnection,
    steps: Annotated[str | None, typer.Option(help="Days from the due date: --steps=-3,0,7")] = None,
    usual_time: Annotated[str | None, typer.Option("--time", help="The time of a reminder: 10:00")] = None,
    opens: Annotated[str | None, typer.Option(help="When the calling window opens: 09:00")] = None,
    closes: Annotated[str | None, typer.Option(help="When the calling window closes: 18:00")] = None,
    weekdays: Annotated[
        str | None, typer.Option(help="The weekdays of the calling window: mon,tue,wed,thu,fri")
    ] = None,
    holidays: Annotated[
        bool | None,
        typer.Option("--skip-holidays/--no-skip-holidays", help="No reminders on the customer's public holidays."),
    ] = None,
    most_steps: Annotated[int | None, typer.Option(help="Limit of reminders of one invoice; 0: no limit.")] = None,
    contacts_a_day: Annotated[int | None, typer.Option(help="Limit of handovers for one phone number a day.")] = None,
    stale_after: Annotated[
        int | None, typer.Option("--stale-after", help="Limit of minutes since the last successful invoice sync.")
    ] = None,
    detail_calls: Annotated[
        int | None, typer.Option("--detail-calls", help="Calls of a run for facts that only details have.")
    ] = None,
    contacts_a_week: Annotated[
        int | None, typer.Option(help="Limit of handovers for one phone number in any seven days.")
    ] = None,
    max_age: Annotated[int | None, typer.Option("--max-age", help="Limit of days since the due date.")] = None,
    minimum: Annotated[
        list[str] | None, typer.Option("--minimum", help="Smallest balance: EUR=5, or *=1 for other currencies.")
    ] = None,
    sub_statuses: Annotated[
        str | None, typer.Option("--sub-statuses", help="Words that hold an invoice: dispute,lawyer; '' for none.")
    ] = None,
    respect_credits: Annotated[
        bool | None, typer.Option("--respect-credits/--ignore-credits", help="Hold invoices that unused credits cover.")
    ] = None,
    kinds_not_called: Annotated[
        str | None,
        typer.Option(
            "--kinds-not-called", help="Kinds of numbers that are not called: premium_rate,pager; '' for none."
        ),
    ] = None,
    shared_number: Annotated[
        int | None,
        typer.Option("--shared-number", help="Customers of different names that make a number shared; 0: never."),
    ] = None,
    zones: Annotated[
        list[str] | None,
        typer.Option("--zones", help="Zones that count: AU=Australia/Perth,Australia/Sydney; AU= for all."),
    ] = None,
    unknown_zone: Annotated[
        str | None,
        typer.Option("--unknown-zone", help="The substitute for an unknown time zone: skip, organisation, NAME."),
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Start from the default rules.")] = False,
    as_json: AsJSON = False,
) -> None:
    """Change the given rules, and plan pending reminders again."""
    given = {
        "steps": _parts(steps),
        "usual_time": usual_time,
        "opens": opens,
        "closes": closes,
        "weekdays": _parts(weekdays),
        "skip_holidays": holidays,
        "contacts_a_day": contacts_a_day,
        "stale_after_minutes": stale_after,
        "detail_calls_per_run": detail_calls,
        "contacts_a_week": contacts_a_week,
        "max_age_days": max_age,
        "held_sub_statuses": _parts(sub_statuses),
        "respect_credits": respect_credits,
        "kinds_not_called": _parts(kinds_not_called),
        "shared_number_customers": shared_number,
        "unknown_zone": unknown_zone,
    }
    changes: dict[str, Any] = {rule: value for rule, value in given.items() if value is not None}
    if most_steps is not None:
        changes["most_steps"] = most_steps or None
    if not changes and not defaults and not minimum and not zones:
        raise typer.BadParameter("name at least one rule, or --defaults")
    with open_resources("booksync policy") as resources:
        connection_id = found_connection(resources.engine, named)
        with recorded(resources, Action.CHANGE_POLICY, connection_id=connection_id):
            with resources.engine.connect() as db:
                before = ReminderPolicy() if defaults else reminder_policies.policy_of(db, connection_id)
            rules = before.to_json()
            changes |= {
                "minimum_balances": rules["minimum_balances"] | _pairs(minimum, "--minimum"),
                "zones": _named_zones(rules["zones"], _pairs(zones, "--zones")),
            }
            try:
                policy = ReminderPolicy.from_json(rules | changes)
            except InvalidPolicyError as error:
                raise typer.BadParameter(str(error)) from None
            replanned = change_policy(resources.engine, connection_id, policy).planned
    results(as_json).print(f"{counted(replanned, 'invoice was', 'invoices were')} planned again by these rules.")
    _tell(connection_id, policy, as_json=as_json, replanned=replanned)


def _parts(given: str | None) -> list[str] | None:
    return None if given is None else [part.strip() for part in given.split(",") if part.strip()]


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Parse texts such as `EUR=5` to a dictionary, with the names in upper case."""
    pairs = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"write NAME=VALUE, not {each}", param_hint=option)
        pairs[name.strip().upper()] = value.strip()
    return pairs


def _named_zones(known: dict[str, list[str]], given: dict[str, str]) -> dict[str, list[str]]:
    """Return, by country, the time zones that count for its numbers: those in `given`, else those in `known`.

    An empty value in `given` removes the country's entry.
    """
    named = known | {country: _parts(names) or [] for country, names in given.items()}
    return {country: names for country, names in named.items() if names}


def _tell(connection_id: uuid.UUID, policy: ReminderPolicy, *, as_json: bool, **more: int) -> None:
    rules = policy.to_json()
    if as_json:
        print_json({"connection_id": str(connection_id), "policy": rules, **more})
        return
    table = Table([whole("rule"), sentence("value"), sentence("meaning")])
    for rule, value in rules.items():
        table.add_row(rule, _shown(value), MEANINGS[rule])
    table.print(out)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "no limit"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return "; ".join(f"{name} {_shown(each)}" for name, each in value.items()) or "none"
        case _:
            return str(value)
