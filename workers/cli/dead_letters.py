"""`booksync dead-letters`: list, inspect, retry or discard messages that exhausted their retries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from db import dead_letter_decisions, dead_letter_lists, dead_letters
from db.dead_letter_lists import Choice, Row
from db.session import Session
from domain.activity import Action
from domain.dead_letters import DeadLetterStatus
from workers.cli.arguments import ConnectionOption, one_connection
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Short, Table, detail, number, sentence, whole
from workers.cli.terminal import Terminal, counted, emphasized, notes, print_json, results
from workers.services.retry import Retried, retry

app = plain_typer("List, inspect, retry or discard messages that exhausted their retries.")

_SHOWN = 100
_SHOWN_IDS = 5

AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]
DeadLetterID = Annotated[int | None, typer.Argument(metavar="ID", help="One dead letter.")]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="FINGERPRINT", help="All dead letters of this error.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All open dead letters.")]


@app.command("list")
@examples(
    "booksync dead-letters list",
    "booksync dead-letters list --connection Acme --no-group",
    "booksync dead-letters list --json | jq -r '.groups[].error'",
)
def list_dead_letters(
    given: ConnectionOption = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only this actor.")] = None,
    status: Annotated[str, typer.Option("--status", help="open, retried, discarded or all.")] = DeadLetterStatus.OPEN,
    fingerprint: Annotated[str | None, typer.Option("--fingerprint", help="Only this error.")] = None,
    group: Annotated[
        bool, typer.Option("--group/--no-group", help="One line per error, or one per dead letter.")
    ] = True,
    as_json: AsJSON = False,
) -> None:
    """List the dead letters, grouped by their error."""
    chosen_status = _status(status)
    with open_resources("booksync dead-letters") as resources, resources.engine.connect() as db:
        connection_id = one_connection(db, given)
        choice = Choice(chosen_status, connection_id, actor, fingerprint)
        total = dead_letters.count_open(db, connection_id)
        groups = dead_letter_lists.groups(db, choice)
        found = dead_letter_lists.found(db, choice)
    if not found:
        results(as_json).print("No dead letter matches." if total else "No dead letter is open.")
    elif group:
        _show_groups(groups, results(as_json))
    else:
        _show_dead_letters(found, results(as_json))
    if as_json:
        print_json({"open": total, "groups": groups, "dead_letters": found, "letters": found})


@app.command("show")
@examples(
    "booksync dead-letters show 17",
    "booksync dead-letters show 17 --json | jq -r .traceback",
)
def show_dead_letter(dead_letter_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJSON = False) -> None:
    """Show everything that is stored about one dead letter."""
    with open_resources("booksync dead-letters") as resources, resources.engine.connect() as db:
        dead_letter = dead_letter_lists.dead_letter(db, dead_letter_id)
    _show(dead_letter, results(as_json))
    if as_json:
        print_json(dead_letter)


@app.command("retry")
@examples(
    "booksync dead-letters retry 17",
    "booksync dead-letters retry --group 3f9ac1d20b7e",
    "booksync dead-letters retry --all --json | jq '.refused[]'",
)
def retry_dead_letters(
    dead_letter_id: DeadLetterID = None,
    group: GroupOption = None,
    all_dead_letters: AllOption = False,
    as_json: AsJSON = False,
) -> None:
    """Retry one dead letter, a group or all, in the order of their failures."""
    choice = _choice(dead_letter_id, group, all_dead_letters)
    tell = results(as_json)
    reported: list[Retried] = []
    with open_resources("booksync dead-letters") as resources:
        with resources.engine.connect() as db:
            chosen = _chosen(db, choice, dead_letter_id)
        with recorded(resources, Action.RETRY_DEAD_LETTERS, subject=_subject(choice, dead_letter_id)) as action:
            for retried in retry(resources, chosen):
                reported.append(retried)
                tell.print(f"{retried.dead_letter_id}: {retried.sentence}", style=None if retried.is_sent else "yellow")
            action.result = f"{sum(each.is_sent for each in reported):,} of {len(chosen):,} retried."
    sent = [retried for retried in reported if retried.is_sent]
    tell.print(
        f"{len(sent)} of {len(reported)} retried; each closes when its work is done. Next: booksync dead-letters list"
    )
    if as_json:
        print_json(
            {
                "retried": [_retried_json(retried) for retried in sent],
                "refused": [_retried_json(retried) for retried in reported if not retried.is_sent],
            }
        )
    if len(sent) < len(reported):
        raise typer.Exit(1)


@app.command("discard")
@examples(
    "booksync dead-letters discard 17 --note 'A later run did the work'",
    "booksync dead-letters discard --group 3f9ac1d20b7e --note 'Outage of 3 May'",
)
def discard_dead_letters(
    dead_letter_id: DeadLetterID = None,
    note: Annotated[str, typer.Option("--note", help="The reason; it is stored with the dead letter.")] = "",
    group: GroupOption = None,
    all_dead_letters: AllOption = False,
    as_json: AsJSON = False,
) -> None:
    """Discard one dead letter, a group or all.

    Discarded dead letters stay in the database for a while, with the note.
    """
    choice = _choice(dead_letter_id, group, all_dead_letters)
    with open_resources("booksync dead-letters") as resources:
        subject = _subject(choice, dead_letter_id)
        with recorded(resources, Action.DISCARD_DEAD_LETTERS, subject=subject, note=note) as action:
            with resources.engine.begin() as db:
                chosen = _chosen(db, choice, dead_letter_id)
                discarded = dead_letter_decisions.discard(db, chosen, note)
            action.result = f"{len(discarded):,} discarded."
    results(as_json).print(f"{len(discarded):,} discarded.")
    if as_json:
        print_json({"discarded": discarded})
    if dead_letter_id is not None and not discarded:
        notes.print(f"Dead letter {dead_letter_id} is closed already.", style="yellow")
        raise typer.Exit(1)


def _status(name: str) -> DeadLetterStatus | None:
    if name == "all":
        return None
    try:
        return DeadLetterStatus(name)
    except ValueError:
        names = ", ".join(DeadLetterStatus)
        raise typer.BadParameter(f"{name} is not one of {names}, all", param_hint="--status") from None


def _choice(dead_letter_id: int | None, group: str | None, all_dead_letters: bool) -> Choice:
    if (dead_letter_id is not None) + (group is not None) + all_dead_letters != 1:
        raise typer.BadParameter("give one of ID, --group FINGERPRINT and --all")
    return Choice(DeadLetterStatus.OPEN, fingerprint=group)


def _subject(choice: Choice, dead_letter_id: int | None) -> str:
    """What an action is about, for its record."""
    if dead_letter_id is not None:
        return f"dead letter {dead_letter_id}"
    return f"open dead letters, group {choice.fingerprint}" if choice.fingerprint else "open dead letters"


def _chosen(db: Session, choice: Choice, dead_letter_id: int | None) -> list[int]:
    """Return the numbers of the chosen dead letters, in the order of their failures.

    Raises:
        UnknownDeadLetterError: no dead letter has this number, or no open one is in this group.
    """
    if dead_letter_id is not None:
        return [dead_letter_lists.dead_letter(db, dead_letter_id)["id"]]
    found = [row["id"] for row in dead_letter_lists.found(db, choice)]
    if choice.fingerprint is not None and not found:
        raise dead_letters.UnknownDeadLetterError(f"No open dead letter has the fingerprint {choice.fingerprint}.")
    return found


def _retried_json(retried: Retried) -> dict[str, Any]:
    return {"id": retried.dead_letter_id, "run_id": retried.run_id, "message": retried.sentence}


def _show_groups(groups: list[Row], tell: Terminal) -> None:
    columns = (whole("fingerprint"), number("count"), *map(whole, ("actor", "cause", "last")))
    table = Table([*columns, sentence("error"), sentence("ids")])
    for group in groups:
        table.add_row(
            group["fingerprint"],
            f"{group['dead_letters']:,}",
            group["actor"],
            group["cause"].replace("_", " "),
            _minute(group["last_failed_at"]),
            group["error"],
            _ids(group["ids"]),
        )
    table.print(tell)
    if recovered := sum(group["recovered"] for group in groups):
        notes.print(
            f"A later run has done the work of {counted(recovered, 'dead letter', 'dead letters')}. Next: discard them."
        )
    notes.print("Next: booksync dead-letters show ID, then retry or discard (ID, or --group FINGERPRINT).")


def _show_dead_letters(found: list[Row], tell: Terminal) -> None:
    columns = (*map(whole, ("id", "state", "fingerprint")), detail("actor"), whole("cause"), whole("last"))
    table = Table([*columns, number("attempts"), sentence("error"), detail("connection")])
    for dead_letter in found[:_SHOWN]:
        table.add_row(
            str(dead_letter["id"]),
            _state(dead_letter),
            dead_letter["fingerprint"],
            dead_letter["actor"],
            dead_letter["cause"].replace("_", " "),
            _minute(dead_letter["last_failed_at"]),
            str(dead_letter["attempts"]),
            dead_letter["error"],
            str(dead_letter["connection_id"] or ""),
        )
    table.print(tell)
    if len(found) > _SHOWN:
        tell.print(f"… and {len(found) - _SHOWN:,} more (--json has all)")


def _show(dead_letter: Row, tell: Terminal) -> None:
    tell.print(emphasized(str(dead_letter["id"]), f"  {_state(dead_letter)}  {dead_letter['cause'].replace('_', ' ')}"))
    tell.print(f"  {dead_letter['error']}", style="red")
    for name in ("actor", "queue_name", "arguments", "connection_id", "run_id", "fingerprint", "attempts", "failures"):
        tell.print(f"  {name.replace('_', ' ')}: {dead_letter[name]}")
    tell.print(
        f"  failed: first {_second(dead_letter['first_failed_at'])}, last {_second(dead_letter['last_failed_at'])}"
    )
    if dead_letter["note"]:
        tell.print(f"  note: {dead_letter['note']}")
    if dead_letter["traceback"]:
        for line in dead_letter["traceback"].splitlines():
            tell.print(line, soft_wrap=True)
    for entry in dead_letter["history"]:
        reported = entry.get("error") or entry.get("note") or entry.get("reason") or ""
        tell.print(f"  {entry['at'][:19]}  {entry['what']}  {reported}")


def _state(dead_letter: Row) -> str:
    if dead_letter["retry_run_id"] is not None:
        return "being retried"
    return (
        "open, recovered"
        if dead_letter["status"] == DeadLetterStatus.OPEN and dead_letter["recovered"]
        else str(dead_letter["status"])
    )


def _ids(ids: Sequence[int]) -> Short:
    first = ", ".join(map(str, ids[:_SHOWN_IDS]))
    return Short(", ".join(map(str, ids)), f"{first} …" if len(ids) > _SHOWN_IDS else first)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
