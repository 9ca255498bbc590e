"""`booksync clients`: manage OAuth clients in addition to that of the settings."""

from dataclasses import asdict
from typing import Annotated

import typer

from db.clients import ALL
from domain.activity import Action
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.secret_options import SOURCES, SecretOption, one_secret
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import notes, out, print_json, results
from workers.cli.zoho_options import data_center_of
from workers.services.clients import add_client, list_clients, rotate_client

app = plain_typer("Store, list and renew OAuth clients, with a secret for each data centre.")

_SECRET = SecretOption("--client-secret", "BOOKSYNC_CLIENT_SECRET", "client secret")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The client's name in booksync.")]
DataCenter = Annotated[
    str | None, typer.Option("--dc", help="The data centre of this secret. If omitted: all without one of their own.")
]
Secret = Annotated[str | None, typer.Option("--client-secret", help=f"The secret; {SOURCES}. If omitted: a prompt.")]
AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command()
@examples(
    "booksync clients add partner --client-id 1000.ABC \\\n--client-secret @secret.txt",
    "BOOKSYNC_CLIENT_SECRET=… booksync clients add partner --client-id 1000.ABC",
)
def add(
    name: Name,
    client_id: Annotated[str, typer.Option("--client-id", help="The client id in Zoho's API console.")],
    dc: DataCenter = None,
    client_secret: Secret = None,
    as_json: AsJSON = False,
) -> None:
    """Store an OAuth client, or the secret that a stored client has in another data centre."""
    data_center = None if dc is None else data_center_of(dc)
    _, secret = one_secret((_SECRET, client_secret))
    with open_resources("booksync clients add") as resources, recorded(resources, Action.ADD_CLIENT):
        add_client(resources, name=name, client_id=client_id.strip(), data_center=data_center, secret=secret)
    results(as_json).print(f"The client {name} is stored. Next: booksync connect --client {name}")
    if as_json:
        print_json({"name": name, "client_id": client_id.strip(), "data_center": data_center or ALL})


@app.command("list")
@examples(
    "booksync clients list",
    "booksync clients list --json | jq -r '.clients[].name'",
)
def show(as_json: AsJSON = False) -> None:
    """Show the clients, without their secrets."""
    with open_resources("booksync clients list") as resources:
        listed = list_clients(resources)
    if as_json:
        print_json({"clients": [asdict(each) for each in listed]})
        return
    table = Table([whole("name"), whole("data centre"), whole("client id"), number("connections")])
    for each in listed:
        table.add_row(each.name, each.data_center, each.client_id, str(each.connections))
    table.print(out)


@app.command()
@examples(
    "booksync clients rotate partner --client-secret @secret.txt",
    "booksync clients rotate partner --dc eu",
)
def rotate(name: Name, dc: DataCenter = None, client_secret: Secret = None, as_json: AsJSON = False) -> None:
    """Replace a client's secret, after it was renewed in Zoho's API console."""
    data_center = None if dc is None else data_center_of(dc)
    _, secret = one_secret((_SECRET, client_secret))
    with open_resources("booksync clients rotate") as resources, recorded(resources, Action.ROTATE_CLIENT_SECRET):
        rotate_client(resources, name=name, data_center=data_center, secret=secret)
    results(as_json).print(f"The secret of the client {name} is replaced.")
    notes.print("If connections were parked because of the former secret: booksync resume --all")
    if as_json:
        print_json({"name": name, "data_center": data_center or ALL})
