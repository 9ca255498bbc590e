"""The type of a database session: one SQLAlchemy Core connection, usually inside a transaction."""

from typing import TypeAlias

from sqlalchemy import Connection

#: Named apart from `db.connections.Connection`, the connection of a user to a Zoho organisation.
Session: TypeAlias = Connection
