"""The schema for host applications in a notation."""

from db.host_functions import host_functions
from db.migrations.schemas import raw, user_id_type
from db.session import Session
from workers.services.host_schema import django, drizzle, prisma, sql
from workers.services.host_schema.notation import HostSchema, Notation

_WRITERS = {
    Notation.PRISMA: prisma.written,
    Notation.DRIZZLE: drizzle.written,
    Notation.DJANGO: django.written,
    Notation.SQL: sql.written,
}


def schema_text(db: Session, notation: Notation) -> str:
    """The views and functions of this database, with the type of its users' ids."""
    schema = HostSchema(user_id_type(raw(db)), tuple(host_functions(db)))
    return _WRITERS[notation](schema)
