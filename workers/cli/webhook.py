"""`booksync webhook`: show the URL and secret for Zoho's webhook rules, and rotate the secret."""

from datetime import datetime
from typing import Annotated

import typer

from domain.activity import Action
from workers.cli.arguments import GivenConnection, found_connection
from workers.cli.connection_lines import minute_of, refusals_line
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import notes, out, print_facts, print_json, results
from workers.services import webhook_rules
from workers.services.webhook_rules import WebhookRule
from workers.webhooks.signatures import SECRET_HEADERS, SIGNATURE_HEADER, written

app = plain_typer("Show the address and secret for Zoho's webhook rules, and rotate the secret.")

AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command("show")
@examples(
    "booksync webhook show Acme",
    "booksync webhook show Acme --json | jq -r .webhook_url",
)
def show(given: GivenConnection, as_json: AsJson = False) -> None:
    """Print the address and the secret that Zoho's webhook rules need, and the headers that may carry it."""
    with open_resources("booksync webhook show") as resources:
        connection_id = found_connection(resources.engine, given)
        rule = webhook_rules.rule_of(resources, connection_id)
    if line := refusals_line(rule.refusals.as_json(), str(connection_id)):
        notes.print(line, style="yellow", markup=False)
    notes.print(
        "In Zoho Books, enter the address in the webhook of a workflow rule. Enter the secret as the webhook's own "
        f"secret, or in a custom header {written(SECRET_HEADERS[0])}. For a rule on deletion add ?event=deleted "
        "to the address."
    )
    _print_rule(rule, as_json)


@app.command("rotate")
@examples(
    "booksync webhook rotate Acme",
    "booksync webhook rotate Acme --end",
)
def rotate(
    given: GivenConnection,
    end: Annotated[bool, typer.Option("--end", help="Accept only the new secret from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new secret; the former one is accepted for seven days, or until --end."""
    with open_resources("booksync webhook rotate") as resources:
        connection_id = found_connection(resources.engine, given)
        with recorded(resources, Action.ROTATE_WEBHOOK_SECRET, connection_id=connection_id):
            if end:
                ended = webhook_rules.end_rotation(resources, connection_id)
            else:
                rule = webhook_rules.rotate(resources, connection_id)
    if end:
        words = "The former secret is not accepted any more." if ended else "No former secret was accepted."
        results(as_json).print(words)
        if as_json:
            print_json({"connection_id": str(connection_id), "ended": ended})
        return
    notes.print(_after_rotation(rule))
    _print_rule(rule, as_json)


def note_partial_url(url: str) -> None:
    """Print a note if the webhook URL is only a path, because PUBLIC_URL is not set."""
    if url.startswith("/"):
        notes.print("The address is only a path on the web process's host. Next: set PUBLIC_URL to print the full URL.")


def _after_rotation(rule: WebhookRule) -> str:
    if rule.former_secret is None:
        return (
            "The former secret cannot be read, so only the new one is accepted. "
            "Next: put the new secret into Zoho's rules"
        )
    return (
        f"The former secret is accepted until {_minute(rule.former_until)}. "
        f"Next: put the new secret into Zoho's rules, then booksync webhook rotate {rule.connection_id} --end"
    )


def _print_rule(rule: WebhookRule, as_json: bool) -> None:
    signature_header, secret_headers = written(SIGNATURE_HEADER), [written(name) for name in SECRET_HEADERS]
    note_partial_url(rule.url)
    if as_json:
        print_json(
            {
                "connection_id": str(rule.connection_id),
                "webhook_url": rule.url,
                "webhook_secret": rule.secret,
                "former_secret": rule.former_secret,
                "former_secret_until": rule.former_until,
                "signature_header": signature_header,
                "secret_headers": secret_headers,
                "webhooks_refused": rule.refusals.as_json(),
            }
        )
        return
    facts = {
        "connection_id": str(rule.connection_id),
        "webhook_url": rule.url,
        "webhook_secret": rule.secret,
        "signature header": signature_header,
        "or secret header": ", ".join(secret_headers),
    }
    if rule.former_secret is not None:
        facts["former_secret"] = f"{rule.former_secret} (accepted until {_minute(rule.former_until)})"
    print_facts(out, facts)


def _minute(moment: datetime | None) -> str:
    return minute_of(moment) if moment else "now"
