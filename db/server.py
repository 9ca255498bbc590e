"""The Postgres server behind a connection: its version, and whether it accepts writes."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from db.session import Session

#: `server_version_num` of the oldest release that booksync supports.
OLDEST_SERVER: Final = 150_000


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The facts that the server reports about itself."""

    version: str  #: the version as in "15.4"
    version_number: int  #: the version as in 150004
    is_standby: bool
    is_read_only: bool  #: whether the server refuses writes; a standby does too


#: The columns are the fields of `ServerFacts`.
FACTS: Final = text("""
    SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
           current_setting('server_version_num')::int AS version_number,
           pg_is_in_recovery() AS is_standby,
           current_setting('transaction_read_only')::bool AS is_read_only
""")


def facts(db: Session) -> ServerFacts:
    """The facts that the Postgres server reports about itself, by one statement that reads no table."""
    return ServerFacts(**db.execute(FACTS).mappings().one())
