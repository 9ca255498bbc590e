"""`booksync do-not-call`: the numbers that are never called."""

from dataclasses import asdict
from typing import Annotated

import typer

from db.do_not_call import listed, users
from db.session import Session
from domain.activity import Action
from domain.reminders.do_not_call import UnreadableNumberError, number_in
from domain.users import UserId
from workers.cli.arguments import user_id_of
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Table, detail, sentence, whole
from workers.cli.terminal import counted, out, print_json, results
from workers.services import do_not_call

app = plain_typer("Manage the numbers that are never called.")

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="With its country prefix: +442070313000")]
User = Annotated[str | None, typer.Option("--user", help="The user's id; it may be omitted if there is only one.")]
AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command()
@examples(
    "booksync do-not-call add +442070313000 --note 'Asked on 3 May'",
    "booksync do-not-call add +442070313000 --user 42 --json | jq .added",
)
def add(
    number: Number,
    user: User = None,
    note: Annotated[str | None, typer.Option("--note", help="The reason, for readers of the list.")] = None,
    as_json: AsJSON = False,
) -> None:
    """Never call this number, for any connection of the user."""
    phone = _e164(number)
    with (
        open_resources("booksync do-not-call") as resources,
        recorded(resources, Action.ADD_DO_NOT_CALL, note=note or ""),
        resources.engine.begin() as db,
    ):
        user_id = _user(db, user)
        is_new = do_not_call.add(db, user_id, phone, note)
    results(as_json).print(f"{phone} is on the list." if is_new else f"{phone} was on the list already.")
    if as_json:
        print_json({"user_id": str(user_id), "phone": phone, "added": is_new})


@app.command()
@examples(
    "booksync do-not-call remove +442070313000",
)
def remove(number: Number, user: User = None, as_json: AsJSON = False) -> None:
    """Remove a number from the list, so that it may be called again."""
    phone = _e164(number)
    with (
        open_resources("booksync do-not-call") as resources,
        recorded(resources, Action.REMOVE_DO_NOT_CALL),
        resources.engine.begin() as db,
    ):
        user_id = _user(db, user)
        was_listed = do_not_call.remove(db, user_id, phone)
    results(as_json).print(f"{phone} is off the list." if was_listed else f"{phone} was not on the list.")
    if as_json:
        print_json({"user_id": str(user_id), "phone": phone, "removed": was_listed})


@app.command("list")
@examples(
    "booksync do-not-call list",
    "booksync do-not-call list --user 42 | cut -f 1",
)
def show(user: User = None, as_json: AsJSON = False) -> None:
    """Show the numbers, the newest first."""
    with open_resources("booksync do-not-call") as resources, resources.engine.connect() as db:
        numbers = listed(db, None if user is None else user_id_of(db, user))
    if as_json:
        print_json({"numbers": [asdict(number) for number in numbers]})
        return
    if not numbers:
        out.print("The list is empty.")
        return
    table = Table([whole("number"), whole("since"), detail("user"), sentence("note")])
    for each in numbers:
        table.add_row(each.phone, f"{each.added_at:%Y-%m-%d}", str(each.user_id), each.note or "")
    table.print(out)
    out.print(counted(len(numbers), "number is never called.", "numbers are never called."))


def _e164(number: str) -> str:
    try:
        return number_in(number)
    except UnreadableNumberError as error:
        raise typer.BadParameter(str(error), param_hint="NUMBER") from None


def _user(db: Session, given: str | None) -> UserId:
    known = users(db)
    if given is not None:
        if (user_id := user_id_of(db, given)) not in known:
            raise typer.BadParameter("no connection belongs to this user", param_hint="--user")
        return user_id
    if len(known) != 1:
        raise typer.BadParameter(f"there are {len(known)} users with a connection: name one", param_hint="--user")
    return known[0]
