"""The `booksync` command: its subcommands, and the messages for their errors."""

import logging
import sys
from typing import Annotated, NoReturn

import typer

from workers.cli.lazy_commands import HELP_OPTIONS, group_of
from workers.cli.terminal import notes, print_json

#: Each subcommand: its name, its place in this package, and its help, in the order of `booksync --help`.
COMMANDS = (
    ("migrate", "migrate:migrate", "Create or change booksync's tables."),
    (
        "connect",
        "connect:connect",
        "Connect a user to a Zoho Books organisation. Repeat it to reactivate a parked connection.",
    ),
    ("sync", "sync:sync", "Sync a connection now."),
    ("status", "status:status", "Show the state of the connections and their last runs."),
    (
        "doctor",
        "doctor:doctor",
        "Examine the installation, and name each trouble with its cause and the next step (exit code 1 on an error).",
    ),
    ("healthy", "healthy:healthy", "Exit with 0 if a worker, scheduler or web process works on this host."),
    (
        "verify",
        "verify:verify",
        "Compare the cache with Zoho, and report the differences (exit code 1 if there are any).",
    ),
    (
        "explain",
        "explain:explain",
        "Explain why an invoice's customer is or is not reminded, and when the next reminder comes.",
    ),
    ("connections", "connections:app", "List the connections and their states."),
    (
        "pause",
        "pause:pause_connection",
        "Stop a connection until `booksync resume`: no syncs, no refreshes, no handovers. Nothing is deleted.",
    ),
    (
        "resume",
        "resume:resume_connections",
        "End a pause, or try parked connections with their stored tokens, one API call each.",
    ),
    (
        "disconnect",
        "disconnect:disconnect_connection",
        "End a connection: delete its tokens and webhook secret, revoke its grant, and cancel its reminders.",
    ),
    ("erase", "erase:erase_connection", "Disconnect a connection and delete all of its rows. This cannot be undone."),
    (
        "rename",
        "rename:rename_connection",
        "Give a connection a name, which commands accept instead of its id. The name precedes the one in Zoho.",
    ),
    (
        "rotate-keys",
        "rotate_keys:rotate_keys",
        "Encrypt all stored tokens and secrets with the first of ENCRYPTION_KEYS, so that the others can be removed.",
    ),
    (
        "worker",
        "worker:worker",
        "Run a worker, as `dramatiq workers.main` does, with JSON logs of its master process too.",
    ),
    (
        "scheduler",
        "scheduler:scheduler",
        "Run the scheduler: send overdue steps again and start due syncs. Several replicas may run.",
    ),
    (
        "start",
        "start:start",
        "Run the web process, a worker and the scheduler together, until Ctrl-C. For one host.",
    ),
    ("dead-letters", "dead_letters:app", "List, inspect, retry or discard messages that exhausted their retries."),
    (
        "deletions",
        "deletions:app",
        "Decide about records that are missing in Zoho: suspiciously many, so they are not marked deleted yet.",
    ),
    (
        "reminders",
        "reminders:app",
        "Preview, open and close handovers, list due and skipped reminders, and report outcomes.",
    ),
    ("do-not-call", "do_not_call:app", "Manage the numbers that are never called."),
    ("phones", "phones:app", "Check, audit and confirm phone numbers."),
    ("policy", "policy:app", "Show and change when and how often a connection reminds."),
    ("budget", "budget:app", "Manage the calls that Zoho allows an organisation."),
    (
        "clients",
        "clients:app",
        "Store, list and renew OAuth clients, with a secret for each data centre.",
    ),
    ("roles", "roles:roles", "Print the SQL of the database roles: one each for migrations, workers, web and sender."),
    (
        "schema",
        "schema:show_schema",
        "Print the views and functions for host applications, as Prisma, Drizzle, Django or SQL.",
    ),
    ("operators", "operators:app", "Manage who may sign in to the console."),
    ("webhook", "webhook:app", "Show the address and secret for Zoho's webhook rules, and rotate the secret."),
)

app = typer.Typer(
    name="booksync",
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    epilog="`booksync COMMAND -h` shows the options of a command, with examples.",
    context_settings=dict(HELP_OPTIONS),  # for the subcommands too
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(is_asked_for: bool) -> None:
    if is_asked_for:
        # The import is late, because it takes longer than all other commands' help.
        from importlib.metadata import version

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


def main() -> NoReturn:
    """Run the `booksync` command and print an expected error as a sentence.

    With `--json` the error is also printed as {"error": …}.
    """
    try:
        app(obj=_set_up_logs)
    except Exception as error:
        # The import is late, as those of the commands.
        from workers.cli.errors import sentence_of

        sentence = sentence_of(error)
        if sentence is None:
            raise
        _fail(sentence)
    sys.exit(0)


def _set_up_logs() -> None:
    from workers.observability.logs import set_up_logs

    # A command prints its own output, so it logs only warnings. The scheduler prints nothing and logs more.
    set_up_logs(logging.WARNING, is_command=True)


def _fail(sentence: str) -> NoReturn:
    notes.print(f"booksync: {sentence}", style="red")
    if "--json" in sys.argv:
        print_json({"error": sentence})
    sys.exit(1)
