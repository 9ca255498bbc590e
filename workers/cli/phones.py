"""`booksync phones`: which numbers are valid and called, which are doubtful, and which a person has confirmed."""

import typer

from workers.cli import phones_audit, phones_check, phones_confirm

app = typer.Typer(
    help="Which numbers are valid and called, and which a person should look at.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("check")(phones_check.check_phones)
app.command("audit")(phones_audit.show_audit)
app.command("confirm")(phones_confirm.confirm_phones)
