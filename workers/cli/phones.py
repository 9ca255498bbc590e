"""`booksync phones`: check, audit and confirm phone numbers."""

import typer

from workers.cli import phones_audit, phones_check, phones_confirm

app = typer.Typer(
    help="Check, audit and confirm phone numbers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("check")(phones_check.check_phones)
app.command("audit")(phones_audit.show_audit)
app.command("confirm")(phones_confirm.confirm_phones)
