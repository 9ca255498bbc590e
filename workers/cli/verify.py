"""`booksync verify`: compare the cache with Zoho."""

from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from domain.entities import entities
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import Words, notes, out, print_json
from workers.services.verify import Verification, verified_json

_SHOWN_IDS = 10


@examples(
    "booksync verify Acme",
    "booksync verify 60012345678 --json | jq .invoices.missing",
)
def verify(
    given: GivenConnection,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Compare the cache with Zoho, and report the differences (exit code 1 if there are any)."""
    with open_resources("booksync verify") as resources, _progress() as progress:
        connection_id = found_connection(resources.engine, given)
        task = progress.add_task("reading Zoho", total=None)
        verification = Verification(
            resources,
            connection_id,
            on_call=lambda calls: progress.update(task, completed=calls, description="reading Zoho"),
            on_wait=lambda seconds, reason: progress.update(task, description=f"waiting {seconds:.0f} s: {reason}"),
        )
        notes.print(f"This takes about {verification.expected_calls} API calls.")
        progress.update(task, total=verification.expected_calls)
        found = verified_json(verification.run())
    if not verification.has_synced:
        notes.print("Nothing has been synced yet. Next: booksync sync CONNECTION --wait", style="yellow")
    if as_json:
        print_json({"connection_id": str(connection_id), "api_calls_expected": verification.expected_calls, **found})
    else:
        _tell(found)
    if found["drift"] or not verification.has_synced:
        raise typer.Exit(1)


def _progress() -> Progress:
    columns = (Words("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=notes, transient=True)


def _tell(found: dict[str, Any]) -> None:
    kinds = [entity.plural for entity in entities()]
    headings = ("in Zoho", "cached", "missing", "surplus", "different", "unsynced", "not compared")
    table = Table([whole("kind"), *map(number, headings)])
    for kind in kinds:
        drift = found[kind]
        counted = (len(drift[name]) for name in ("missing", "surplus", "different"))
        counts = (drift["zoho"], drift["cached"], *counted, drift["not_synced_yet"], len(drift["not_compared"]))
        table.add_row(kind, *(f"{count:,}" for count in counts))
    table.print(out)
    for kind in kinds:
        for name in ("missing", "surplus", "different", "not_compared"):
            if ids := found[kind][name]:
                more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
                out.print(f"{kind} {name.replace('_', ' ')}: {', '.join(ids[:_SHOWN_IDS])}{more}")
    if not found["persons_compared"]:
        notes.print(
            "The bulk list of persons cannot be read, so only status, name and company of the customers were compared.",
            style="yellow",
        )
    if any(found[kind]["not_compared"] for kind in kinds):
        notes.print(
            "The records that were not compared exist in Zoho, but its list lacks their rows, or has rows that booksync"
            " cannot understand or that contradict the records' own details.",
            style="yellow",
        )
    if found["drift"]:
        notes.print("Next: a full run corrects this: booksync sync CONNECTION --full --wait", style="yellow")
    else:
        out.print("The cache equals Zoho.")
