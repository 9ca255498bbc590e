"""`booksync connect`: connect a user to a Zoho organisation."""

from collections.abc import Sequence
from typing import Annotated

import typer

from db.clients import DEFAULT
from db.shared_organizations import OtherConnection
from domain.activity import Action
from domain.connection_states import state_sentence
from workers.cli.arguments import CALLED, found_connection, user_id_of
from workers.cli.connect_link import print_link
from workers.cli.connection_lines import tell_if_closed
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.secret_options import SOURCES, SecretOption, one_secret
from workers.cli.terminal import counted, notes, out, print_facts, print_json
from workers.cli.webhook import note_partial_url
from workers.cli.zoho_options import data_center_of, origin_of
from workers.services.connect import Connected, connect_organization
from workers.services.share_grants import GRANTS_OF_LOGIN, Sharing
from workers.zoho import DATA_CENTERS, ZohoUrls

_GRANT_CODE = SecretOption("--grant-code", "BOOKSYNC_GRANT_CODE", "grant code")
_REFRESH_TOKEN = SecretOption("--refresh-token", "BOOKSYNC_REFRESH_TOKEN", "refresh token")


@examples(
    "booksync connect --user 42 --browser",
    "booksync connect --user 42 --organization 60012345678 --dc eu",
    "booksync connect --user 42 --organization 60098765432 --same-grant-as Acme",
)
def connect(
    user: Annotated[str, typer.Option(help="The user's id in your application: users.id.")],
    organization: Annotated[str | None, typer.Option(help="The Zoho Books organisation's id (digits).")] = None,
    dc: Annotated[
        str | None, typer.Option(help=f"Zoho's data centre: {', '.join(DATA_CENTERS)}. If omitted: com.")
    ] = None,
    grant_code: Annotated[
        str | None, typer.Option(help=f"A grant code, not older than 60 seconds; {SOURCES}. If omitted: a prompt.")
    ] = None,
    refresh_token: Annotated[
        str | None, typer.Option(help=f"A refresh token, instead of a grant code; {SOURCES}.")
    ] = None,
    same_grant_as: Annotated[
        str | None,
        typer.Option(metavar="CONNECTION", help=f"Use the grant of another connection, instead of a code: {CALLED}."),
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A client of `booksync clients`. If omitted: the settings' client."),
    ] = None,
    accounts_url: Annotated[
        str | None, typer.Option(help="The accounts server of a newer data centre: https://accounts.zoho.example.")
    ] = None,
    api_url: Annotated[str | None, typer.Option(help="The API server of a newer data centre.")] = None,
    in_browser: Annotated[
        bool, typer.Option("--browser", help="Print a link with which the user connects in a browser.")
    ] = False,
    return_url: Annotated[
        str | None, typer.Option(help="With --browser: where the browser goes afterwards, see CONNECT_RETURN_URLS.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Connect a user to a Zoho Books organisation. Repeat it to reactivate a parked connection."""
    if in_browser:
        _refuse_others(
            "--browser",
            "the user chooses the organisations and the data centre, with the settings' client",
            (organization, dc, grant_code, refresh_token, same_grant_as, client, accounts_url, api_url),
        )
        print_link(user, return_url, as_json=as_json)
        return
    if return_url is not None:
        raise typer.BadParameter("needs --browser", param_hint="--return-url")
    if organization is None:
        raise typer.BadParameter("is needed, unless --browser is given", param_hint="--organization")
    urls = ZohoUrls(origin_of(accounts_url, "--accounts-url"), origin_of(api_url, "--api-url"))
    data_center = data_center_of(dc or "com", urls)
    if same_grant_as is not None:
        _refuse_others(
            "--same-grant-as",
            "the other connection has its own grant, client and data centre",
            (dc, client, accounts_url, api_url, grant_code, refresh_token),
        )
    if not (organization.isascii() and organization.isdigit()):
        raise typer.BadParameter("an organisation's id consists of digits", param_hint="--organization")
    secrets = {} if same_grant_as else _secrets(grant_code, refresh_token)
    with open_resources("booksync connect") as resources:
        with resources.engine.connect() as db:
            user_id = user_id_of(db, user)
        sharing_with = found_connection(resources.engine, same_grant_as) if same_grant_as else None
        with recorded(resources, Action.CONNECT, subject=f"organisation {organization}") as action:
            linked = connect_organization(
                resources,
                user_id=user_id,
                organization_id=organization,
                data_center=data_center,
                same_grant_as=sharing_with,
                client=client or DEFAULT,
                urls=urls,
                **secrets,
                on_wait=lambda seconds: notes.print(f"Zoho's call limit is used up: waiting for {seconds:.0f} s …"),
            )
            action.result = f"connection {linked.connection_id}"
    _print_warnings(linked)
    facts = {
        "connection_id": str(linked.connection_id),
        "name": linked.name or "",
        "webhook_url": linked.webhook_url,
        "webhook_secret": linked.webhook_secret,
    }
    note_partial_url(linked.webhook_url)
    if as_json:
        others = [each.as_json() for each in linked.also_connected]
        print_json(
            facts
            | {"name": linked.name, "status": linked.status, "also_connected": others}
            | linked.handover.as_json()
            | _sharing(linked.sharing)
        )
        return
    print_facts(out, facts)
    if sentence := state_sentence(linked.status, str(linked.connection_id)):
        notes.print(sentence, style="yellow")
        return
    notes.print(f"Connected. Next: booksync sync {linked.connection_id} --wait")
    tell_if_closed(linked.connection_id, linked.handover.as_json(), notes)


def _refuse_others(option: str, reason: str, others: Sequence[str | None]) -> None:
    if any(others):
        raise typer.BadParameter(f"{reason}: give no other of these options", param_hint=option)


def _secrets(grant_code: str | None, refresh_token: str | None) -> dict[str, str]:
    kind, secret = one_secret((_GRANT_CODE, grant_code), (_REFRESH_TOKEN, refresh_token))
    return {"grant_code" if kind is _GRANT_CODE else "refresh_token": secret}


def _sharing(sharing: Sharing) -> dict[str, object]:
    return {"grants_of_login": sharing.grants_of_login, "revived": [str(each) for each in sharing.revived]}


def _print_warnings(linked: Connected) -> None:
    if linked.country_unknown is not None:
        notes.print(
            f'booksync does not understand the country of the organisation in Zoho, "{linked.country_unknown}". '
            "Numbers without a country prefix are read only if the customer's address names a country. "
            "Next: choose a country in Zoho Books, then run a full sync.",
            style="yellow",
        )
    if linked.sharing.revived:
        others = counted(len(linked.sharing.revived), "other connection", "other connections")
        notes.print(f"{others} of the same grant had been parked and will sync now.")
    if linked.sharing.is_near_limit:
        notes.print(
            f"booksync has {linked.sharing.grants_of_login} grants for the organisations of this login. Zoho keeps "
            f"{GRANTS_OF_LOGIN} refresh tokens of a login and client; the next one revokes the oldest. Next: connect "
            "further organisations with --same-grant-as.",
            style="yellow",
        )
    _tell_of_others(linked.also_connected)


def _tell_of_others(others: Sequence[OtherConnection]) -> None:
    """Print a line for each other user's connection to the organisation."""
    for other in others:
        does = (
            "hands its reminders over, so this connection cannot be opened"
            if other.hands_over
            else "is closed for handovers"
        )
        notes.print(
            f"User {other.user_id} is also connected to this organisation: connection {other.connection_id} {does}. "
            "Only one of the connections can be open for handovers.",
            style="yellow",
        )
