"""`booksync phones confirm`: a person confirms which number a text in Zoho means, and that it may be called."""

import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import func, select

from db import connections
from db.connections import Connection
from db.phone_confirmations import PhoneStanding
from db.session import Session
from domain.activity import Action
from domain.confirmations import Wish
from domain.phones import NotCallable, PhoneFallback, PhoneProblem
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import counted, notes, print_json, results
from workers.services.confirm_phones import (
    Change,
    Problem,
    RefusedConfirmationsError,
    confirm,
    wishes_in,
    withdraw,
)
from workers.services.spreadsheets import SpreadsheetError

_CHANGES_SHOWN = 20


@examples(
    "booksync phones confirm Acme 460000000026049 --note 'Ada: called it'",
    "booksync phones confirm Acme --csv numbers.csv --dry-run",
)
def confirm_phones(
    given: GivenConnection,
    customer: Annotated[
        str | None, typer.Argument(metavar="CUSTOMER", help="The contact's id in Zoho, as the audit shows it.")
    ] = None,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="The person who confirms the number, and the reason.")
    ] = "",
    number: Annotated[
        str | None,
        typer.Option("--number", metavar="+E164", help="The right number, if booksync reads another or none."),
    ] = None,
    take_back: Annotated[bool, typer.Option("--withdraw", help="Withdraw the customer's confirmations.")] = False,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="The edited file of `phones audit --csv`; confirms all of its rows or none."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show everything, but change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Confirm that a customer's phone text means this number, and that the number may be called.

    The confirmation applies to this customer and this text. The confirmation ends when the text changes in Zoho.
    """
    _check_usage(customer, note, number, csv_file, take_back=take_back)
    try:
        wishes = wishes_in(csv_file) if csv_file else [Wish(customer or "", note, number or "yes")]
        with open_resources("booksync phones") as resources:
            connection_id = found_connection(resources.engine, given)
            action = Action.FORGET_CONFIRMATION if take_back else Action.CONFIRM_NUMBER
            subject = f"customer {customer}" if customer else f"{len(wishes):,} rows of a file"
            with (
                nullcontext() if dry_run else recorded(resources, action, connection_id=connection_id, subject=subject),
                resources.engine.connect() as db,
            ):
                connection = connections.connection(db, connection_id)
                changes = _changed(db, connection, wishes, resources.settings.phone_fallback, take_back=take_back)
                db.rollback() if dry_run else db.commit()
    except (SpreadsheetError, RefusedConfirmationsError) as error:
        _refuse(error, as_json=as_json)
    _show(connection.connection_id, changes, take_back=take_back, dry_run=dry_run, as_json=as_json)


def _check_usage(
    customer: str | None, note: str, number: str | None, csv_file: Path | None, *, take_back: bool
) -> None:
    if (customer is None) == (csv_file is None):
        raise typer.BadParameter("name a CUSTOMER, or a file with --csv")
    if csv_file is not None and (note or number or take_back):
        raise typer.BadParameter("--csv takes notes and numbers from the file, and withdraws nothing")
    if take_back and number:
        raise typer.BadParameter("--withdraw and --number exclude each other")
    if customer is not None and not take_back and not note.strip():
        raise typer.BadParameter("name the person who confirms the number, and the reason", param_hint="--note")
    if number is not None and not number.strip().startswith("+"):
        raise typer.BadParameter("write the number with its country prefix: +442070313000", param_hint="--number")


def _changed(
    db: Session, connection: Connection, wishes: Sequence[Wish], fallback: PhoneFallback, *, take_back: bool
) -> Sequence[Change]:
    now: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
    if not take_back:
        return confirm(db, connection, wishes, fallback=fallback, now=now)
    change = withdraw(db, connection, wishes[0].customer_id, fallback=fallback, now=now)
    return [change] if change else []


def _refuse(error: SpreadsheetError | RefusedConfirmationsError, *, as_json: bool) -> None:
    problems = error.problems if isinstance(error, RefusedConfirmationsError) else ()
    lines = [str(problem) for problem in problems] or [str(error)]
    for line in lines:
        notes.print(f"booksync: {line}", style="red")
    if problems:
        notes.print("Nothing was confirmed.")
    if as_json:
        print_json({"error": "; ".join(lines), "problems": [_problem(problem) for problem in problems]})
    raise typer.Exit(1)


def _problem(problem: Problem) -> dict[str, Any]:
    return {"line": problem.wish.line, "customer_id": problem.wish.customer_id, "problem": problem.sentence}


def _show(
    connection_id: uuid.UUID, changes: Sequence[Change], *, take_back: bool, dry_run: bool, as_json: bool
) -> None:
    console = results(as_json)
    for change in changes[:_CHANGES_SHOWN]:
        console.print(_in_words(change, take_back=take_back))
    if len(changes) > _CHANGES_SHOWN:
        console.print(f"… and {len(changes) - _CHANGES_SHOWN:,} more")
    what, done = ("confirmation", "withdrawn") if take_back else ("number", "confirmed")
    one, many = ("would be", "would be") if dry_run else ("is", "are")
    console.print(counted(len(changes), f"{what} {one} {done}.", f"{what}s {many} {done}."))
    if dry_run:
        notes.print("Nothing was changed. Next: repeat the command without --dry-run")
    else:
        notes.print(f"Next: booksync phones audit {connection_id}")
    if as_json:
        print_json({"connection_id": str(connection_id), done: [_json(each) for each in changes], "dry_run": dry_run})


def _in_words(change: Change, *, take_back: bool) -> str:
    before, after = change.before, change.after
    reminders = counted(after.open_invoices, "open invoice", "open invoices")
    verb = "is judged by booksync again" if take_back else f"is confirmed as {after.phone}"
    return (
        f'{change.customer} ({change.customer_id}): "{change.phone_text}" {verb}. '
        f"Before: {_standing(before)} Now: {_standing(after)} "
        f"{reminders}, {after.with_reminder} with a scheduled reminder (before: {before.with_reminder})."
    )


def _standing(standing: PhoneStanding) -> str:
    if standing.problem:
        known = standing.problem in set(PhoneProblem)
        return PhoneProblem(standing.problem).sentence if known else "The number cannot be dialled."
    if standing.not_callable:
        known = standing.not_callable in set(NotCallable)
        return f"{standing.phone}. {NotCallable(standing.not_callable).sentence if known else 'It is not called.'}"
    return f"{standing.phone}, confirmed by a person." if standing.is_confirmed else f"{standing.phone}."


def _json(change: Change) -> dict[str, Any]:
    return {
        "customer_id": change.customer_id,
        "customer": change.customer,
        "phone_text": change.phone_text,
        "before": asdict(change.before),
        "after": asdict(change.after),
    }
