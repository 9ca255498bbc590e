"""`booksync budget`: lift the pause of an organisation's API budget."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from db import api_use
from workers.boot.resources import Resources
from workers.cli.arguments import CALLED
from workers.cli.budget_lines import span
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.terminal import notes, print_json, results
from workers.services.find_connection import find_organizations

app = plain_typer("Manage the calls that Zoho allows an organisation.")


@app.callback()
def budget() -> None:
    """Manage the calls that Zoho allows an organisation."""


@dataclass(frozen=True, slots=True)
class LiftedPause:
    """An API pause that a person has lifted, with the seconds that were left."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ResumedOrganization:
    """The result of `booksync budget resume` for one organisation.

    `waits_seconds` is how long calls still wait although the pause is lifted: if Redis has lost the record of recent
    calls, booksync waits until Zoho no longer counts them. It is 0 if nothing was lost.
    """

    organization_id: str
    lifted: LiftedPause | None
    waits_seconds: float


@app.command("resume")
@examples(
    "booksync budget resume Acme",
    "booksync budget resume --json | jq '.organizations[].lifted'",
)
def resume(
    named: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONNECTION]",
            help=f"A connection: {CALLED}; all organisations if omitted.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Lift the pause after a refusal by Zoho, so that calls continue now."""
    with open_resources("booksync budget") as resources:
        with resources.engine.connect() as db:
            organization_ids = api_use.organizations(db) if named is None else find_organizations(db, named)
        resumed = [_resume(resources, organization_id) for organization_id in organization_ids]
        sweep_seconds = resources.settings.sweep_interval_seconds
    tell = results(as_json)
    for each in resumed:
        tell.print(_line(each, sweep_seconds))
    if not resumed:
        tell.print("No connection exists yet. Next: booksync connect")
    if any(each.lifted for each in resumed):
        notes.print("If Zoho refuses a call again, a new pause begins.")
    if as_json:
        print_json({"organizations": [asdict(each) for each in resumed]})


def _resume(resources: Resources, organization_id: str) -> ResumedOrganization:
    with resources.engine.connect() as db:
        stored = api_use.pause_left(db, organization_id)
    resumed = resources.budget.resume(organization_id)
    lifted = LiftedPause(resumed.pause.reason, resumed.pause.seconds) if resumed.pause else None
    if lifted is None and stored is not None:
        lifted = LiftedPause(stored.reason or "minute", stored.seconds)  # Postgres knows a pause that Redis had lost.
    return ResumedOrganization(organization_id, lifted, resumed.forgotten_seconds)


def _line(resumed: ResumedOrganization, sweep_seconds: float) -> str:
    line = f"Organisation {resumed.organization_id}: "
    if resumed.lifted is None:
        line += "no pause to lift."
    else:
        line += (
            f"the pause is lifted ({resumed.lifted.reason}, {span(resumed.lifted.seconds)} were left). "
            f"Waiting work continues within {span(2 * sweep_seconds)}."
        )
    if resumed.waits_seconds > 0:
        line += (
            f" Calls wait for {span(resumed.waits_seconds)} more, because Redis has lost the record of recent calls. "
            "This wait is not lifted, because Zoho may still count those calls."
        )
    return line
