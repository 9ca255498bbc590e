"""Makes the tables that revisions add to booksync's schema."""

from db.migrations.rights import grants_of_table, owner_of_table
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw, briefly


def make_table(connection: Raw, name: str, columns: str, *, like: str) -> None:
    """Create a table in booksync's schema, with the owner and the grants of the table `like`."""
    table, like = f"{SCHEMA}.{name}", f"{SCHEMA}.{like}"
    briefly(
        connection,
        f"""
        CREATE TABLE IF NOT EXISTS {table} ({columns});
        ALTER TABLE {table} OWNER TO {owner_of_table(connection, like)};
        """
        + "".join(grant.on(table) for grant in grants_of_table(connection, like)),
    )
