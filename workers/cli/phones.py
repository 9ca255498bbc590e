"""`booksync phones`: check, audit and confirm phone numbers."""

from workers.cli import phones_audit, phones_check, phones_confirm
from workers.cli.lazy_commands import plain_typer

app = plain_typer("Check, audit and confirm phone numbers.")
app.command("check")(phones_check.check_phones)
app.command("audit")(phones_audit.show_audit)
app.command("confirm")(phones_confirm.confirm_phones)
