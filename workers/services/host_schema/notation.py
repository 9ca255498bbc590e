"""What all notations of the schema for host applications share."""

from dataclasses import dataclass
from enum import StrEnum

from db.host_functions import HostFunction
from db.migrations.host_views import USER_ID, VIEWS, HostColumn, HostView


class Notation(StrEnum):
    """A language in which the schema is printed."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    DJANGO = "django"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class HostSchema:
    """The views and functions for host applications of one database."""

    user_id_type: str  #: uuid, text or bigint
    functions: tuple[HostFunction, ...]
    views: tuple[HostView, ...] = VIEWS

    def type_of(self, column: HostColumn) -> str:
        """The column's type in Postgres, in this database."""
        return self.user_id_type if column.type == USER_ID else column.type


def in_pascal_case(name: str) -> str:
    """A name in the form of a class: `due_calls` as DueCalls."""
    return name.title().replace("_", "")


def in_camel_case(name: str) -> str:
    """A name in the form of JavaScript's: `due_calls` as dueCalls."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
