"""`booksync explain`: why an invoice's customer is or is not reminded."""

from typing import Annotated, Any

import typer

from db import explanations, invoice_references
from domain.errors import BooksyncError
from workers.cli.arguments import ConnectionOption, one_connection
from workers.cli.examples import examples
from workers.cli.opening import open_resources
from workers.cli.tables import Table, number, whole
from workers.cli.terminal import out, print_json
from workers.services.explain import explanation


class NoSuchInvoiceError(BooksyncError):
    """No invoice, or more than one, matches the number or id that the person gave."""


@examples(
    "booksync explain INV-000123",
    "booksync explain INV-000123 --connection Acme --json | jq -r '.reasons[]'",
)
def explain(
    invoice: Annotated[
        str, typer.Argument(metavar="INVOICE", help="The invoice's number, its id in Zoho, or its id here.")
    ],
    given: ConnectionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Explain why an invoice's customer is or is not reminded, and when the next reminder comes."""
    with open_resources("booksync explain") as resources, resources.engine.begin() as db:
        found = invoice_references.find(db, invoice, one_connection(db, given))
        if not found and invoice_references.is_unconnected(db, invoice):
            raise NoSuchInvoiceError(
                f"Invoice {invoice} was written only by the legacy application and belongs to no connection, so "
                "booksync plans no reminders for it. Next: sync its organisation."
            )
        if not found:
            raise NoSuchInvoiceError(
                f"No invoice matches {invoice}. Next: give its number, its id in Zoho, or its id here. Drafts that "
                "were never synced are unknown."
            )
        if len(found) > 1:
            raise NoSuchInvoiceError(_which(invoice, found))
        reported = explanation(explanations.story(db, found[0]), resources.settings.phone_fallback)
    if as_json:
        print_json(reported)
    else:
        _show(reported)


def _which(reference: str, found: Any) -> str:
    each = "; ".join(f"{one.zoho_invoice_id} of --connection {one.connection_id}" for one in found)
    return f"{len(found)} invoices match {reference}: {each}. Next: name one by its id and --connection."


def _show(reported: dict[str, Any]) -> None:
    for reason in reported["reasons"]:
        out.print(f"• {reason}")
    if not reported["reminders"]:
        return
    table = Table([number("step"), whole("state"), whole("local time"), whole("time zone")])
    for reminder in reported["reminders"]:
        table.add_row(f"{reminder['step']:+d}", reminder["status"], reminder["local_time"], reminder["time_zone"])
    table.print(out)
