"""`booksync resume`: end a pause, or try parked connections with their stored tokens."""

from typing import Annotated

import typer

from domain.activity import Action
from workers.cli.arguments import found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import print_json, results
from workers.services.resume import parked, resume


@examples(
    "booksync resume Acme",
    "booksync resume --all --json | jq '.connections[] | select(.resumed | not)'",
)
def resume_connections(
    given: Annotated[
        str | None, typer.Argument(metavar="CONNECTION", help="One connection, parked or paused; or give --all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every parked connection.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """End a pause, or try parked connections with their stored tokens, one API call each."""
    if (given is None) is not every:
        raise typer.BadParameter("name a connection, or give --all", param_hint="CONNECTION")
    say, tried = results(as_json), []
    with open_resources("booksync resume") as resources:
        chosen = parked(resources) if given is None else [found_connection(resources.engine, given)]
        connection_id = chosen[0] if len(chosen) == 1 else None
        subject = "" if connection_id else f"{len(chosen):,} parked connections"
        with recorded(resources, Action.RESUME, connection_id=connection_id, subject=subject) as action:
            for resumed in resume(resources, chosen):
                tried.append(resumed)
                say.print(f"{resumed.connection_id} {resumed.sentence}", markup=False)
            action.result = f"{sum(each.refusal is None for each in tried):,} of {len(tried):,} work again."
    if not tried:
        say.print("No connection is parked.")
    refused = [each for each in tried if each.refusal is not None]
    if any(each.needs_grant for each in refused):
        say.print("Next: booksync connect with a new grant, for each connection whose grant Zoho refuses.")
    elif refused:
        say.print("Next: fix the reasons above, and run this command again.")
    if as_json:
        print_json(
            {
                "connections": [
                    {
                        "connection_id": str(each.connection_id),
                        "name": each.name,
                        "resumed": each.refusal is None,
                        "reason": each.refusal,
                    }
                    for each in tried
                ]
            }
        )
    raise typer.Exit(1 if refused else 0)
