"""The lines of `booksync status` about Postgres and Redis; a healthy server gets no line."""

from workers.boot.servers import PostgresState, RedisState
from workers.cli.terminal import Terminal


def show_servers(postgres: PostgresState, redis: RedisState, tell: Terminal) -> None:
    """Print the problems of Postgres and Redis, then the warnings about them."""
    if postgres.problem is not None:
        tell.print(f"Postgres {postgres.problem}.", style="red", markup=False)
    if redis.refusal is not None:
        tell.print(str(redis.refusal), style="red", markup=False)
    if redis.warning is not None:
        tell.print(f"Redis: {redis.warning}.", style="yellow", markup=False)
