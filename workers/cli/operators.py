"""`booksync operators`: manage who may sign in to the console."""

from datetime import datetime
from typing import Annotated, Any

import typer

from db.operators import StoredOperator
from domain.activity import Action
from domain.operators import Role, name_of
from workers.cli.connection_lines import minute_of
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.looking import open_basics
from workers.cli.recording import recorded
from workers.cli.secret_options import SOURCES, PasswordOption, one_secret
from workers.cli.tables import Table, whole
from workers.cli.terminal import notes, out, print_json, results
from workers.secrets.vault import Vault
from workers.services.operators import disable_operator, list_operators, needs_password, save_operator
from workers.services.sign_in_links import LINK_SECONDS, sign_in_link

app = plain_typer("Manage who may sign in to the console.")

_PASSWORD = PasswordOption("--password", "BOOKSYNC_OPERATOR_PASSWORD", "password")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The operator's name at the sign-in page.")]
AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command()
@examples(
    "booksync operators add ana --role operator",
    "booksync operators add ben --role viewer --password @password.txt",
)
def add(
    name: Name,
    role: Annotated[
        Role,
        typer.Option(
            "--role", help="operator: everything. accountant: reads, confirms numbers, do-not-call. viewer: reads."
        ),
    ],
    password: Annotated[
        str | None,
        typer.Option("--password", help=f"{SOURCES}. If omitted: a prompt, or the password that the operator has."),
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Add an operator, or change an operator's role or password, which ends the operator's console sessions."""
    given = _PASSWORD.in_environment() if password is None else _PASSWORD.given(password)
    with open_basics("booksync operators add") as basics:
        if given is None and needs_password(basics, name):
            _, given = one_secret((_PASSWORD, None))
        with recorded(basics, Action.SAVE_OPERATOR, subject=f"role {role}"):
            saved = save_operator(basics, name, role, given)
    results(as_json).print(f"The operator {name_of(name)} is {saved}, with the role {role}.")
    notes.print("Next: sign in at the web process, at /sign-in")
    if as_json:
        print_json({"name": name_of(name), "role": role, "outcome": saved})


@app.command("list")
@examples(
    "booksync operators list",
    "booksync operators list --json | jq -r '.operators[].name'",
)
def show(as_json: AsJSON = False) -> None:
    """Show the operators with their roles, and when they last used the console."""
    with open_basics("booksync operators list") as basics:
        listed = list_operators(basics)
    if as_json:
        print_json({"operators": [_facts(each) for each in listed]})
        return
    if not listed:
        out.print("No operator exists yet.")
        notes.print("Next: booksync operators add NAME --role operator")
        return
    table = Table([whole("name"), whole("role"), whole("last seen"), whole("disabled")])
    for each in listed:
        table.add_row(each.operator.name, each.operator.role, _time(each.last_seen_at), _time(each.disabled_at))
    table.print(out)


@app.command()
@examples(
    "booksync operators disable ana",
)
def disable(name: Name, as_json: AsJSON = False) -> None:
    """Disable an operator, whose console sessions end at once. A new password enables the operator again."""
    with open_basics("booksync operators disable") as basics, recorded(basics, Action.DISABLE_OPERATOR):
        disable_operator(basics, name)
    results(as_json).print(f"The operator {name_of(name)} is disabled.")
    if as_json:
        print_json({"name": name_of(name), "outcome": "disabled"})


@app.command()
@examples(
    "booksync operators link ana",
    "booksync operators link ana --json | jq -r .url",
)
def link(name: Name, as_json: AsJSON = False) -> None:
    """Print a link that signs the operator in, once and within ten minutes. Each person who has the link can use it."""
    with open_basics("booksync operators link") as basics, recorded(basics, Action.MAKE_SIGN_IN_LINK):
        address = sign_in_link(basics, Vault(basics.settings.encryption_keys), name)
    if as_json:
        print_json({"url": address, "expires_in": LINK_SECONDS})
        return
    out.print(address, soft_wrap=True)
    notes.print("Next: open this link in a browser within ten minutes. It signs in once.")


def _facts(stored: StoredOperator) -> dict[str, Any]:
    return {
        "name": stored.operator.name,
        "role": stored.operator.role,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "disabled_at": stored.disabled_at,
        "last_seen_at": stored.last_seen_at,
    }


def _time(moment: datetime | None) -> str:
    return "" if moment is None else minute_of(moment)
