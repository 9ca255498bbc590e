"""`booksync worker`: Dramatiq's master process with its workers."""

from typing import Annotated

import typer
from dramatiq import cli

from workers.cli.examples import examples
from workers.observability.logs import set_up_logs


@examples(
    "booksync worker",
    "booksync worker --processes 2 --threads 8",
)
def worker(
    processes: Annotated[
        int | None, typer.Option(min=1, help="The number of processes; as many as processors if omitted.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="The number of threads of each process.")] = 8,
) -> None:
    """Run a worker, as `dramatiq workers.main` does, with JSON logs of its master process too."""
    # Dramatiq's master keeps a log format that is set up already, and has no option for another one.
    set_up_logs()
    words = ["workers.main", "--threads", str(threads)]
    words += [] if processes is None else ["--processes", str(processes)]
    arguments = cli.make_argument_parser().parse_args(words)  # type: ignore[no-untyped-call]
    raise typer.Exit(cli.main(arguments))  # type: ignore[no-untyped-call]
