"""The `booksync` command: its subcommands, and the messages for their errors."""

import logging
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import redis
import typer
from dramatiq.errors import BrokerConnectionError

from db.failures import DatabaseError, FailureKind, failure_of
from db.migrations import MigrationError
from domain.errors import BooksyncError
from workers.boot.servers import RedisRefusesError
from workers.boot.settings import database_url, settings
from workers.budget import BudgetUnavailable
from workers.cli import (
    budget,
    connect,
    dead_letters,
    deletions,
    do_not_call,
    explain,
    migrate,
    phones,
    policy,
    reminders,
    resume,
    rotate_keys,
    scheduler,
    status,
    sync,
    verify,
    webhook,
)
from workers.cli.terminal import notes, print_json
from workers.observability.logs import set_up_logs
from workers.redis_access import refusal_of
from workers.redis_access.addresses import redis_address

app = typer.Typer(
    name="booksync",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(is_asked_for: bool) -> None:
    if is_asked_for:
        print(f"booksync {version('booksync')}")
        raise typer.Exit


@app.callback()
def booksync(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show booksync's version, and exit."),
    ] = False,
) -> None:
    """Keep a Postgres copy of Zoho Books customers and invoices up to date, and plan payment reminders."""


app.command("migrate")(migrate.migrate)
app.command("connect")(connect.connect)
app.command("sync")(sync.sync)
app.command("status")(status.status)
app.command("verify")(verify.verify)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(deletions.app, name="deletions")
app.command("explain")(explain.explain)
app.add_typer(reminders.app, name="reminders")
app.add_typer(do_not_call.app, name="do-not-call")
app.add_typer(phones.app, name="phones")
app.add_typer(policy.app, name="policy")
app.add_typer(budget.app, name="budget")
app.add_typer(webhook.app, name="webhook")
app.command("resume")(resume.resume_connections)
app.command("rotate-keys")(rotate_keys.rotate_keys)
app.command("scheduler")(scheduler.scheduler)


def main() -> NoReturn:
    """Run the command. An expected error is printed as a sentence, with `--json` also as {"error": …}."""
    # A command prints its own output, so it logs only warnings; the scheduler has no output and raises the level.
    set_up_logs(logging.WARNING)
    try:
        app()
    except DatabaseError as error:
        failure = failure_of(error)
        if failure.kind is FailureKind.DEFECT:
            raise
        _fail(failure.sentence(database_url()))
    except BrokerConnectionError:
        _fail("Redis refuses the message. Next: booksync status shows why; then run the command again.")
    except (redis.RedisError, BudgetUnavailable, RedisRefusesError) as error:
        refusal = error.refusal if isinstance(error, RedisRefusesError) else refusal_of(error)
        _fail(refusal.at(redis_address(settings().redis_url.get_secret_value())))
    except (BooksyncError, MigrationError) as error:
        _fail(str(error))
    sys.exit(0)


def _fail(sentence: str) -> NoReturn:
    notes.print(f"booksync: {sentence}", style="red", soft_wrap=True)
    if "--json" in sys.argv:
        print_json({"error": sentence})
    sys.exit(1)
