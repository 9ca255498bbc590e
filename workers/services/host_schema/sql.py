"""The schema as SQL, for tools that read SQL, and for an application's tests in a database without booksync."""

from db.host_functions import HostFunction, Parameter
from db.migrations.host_views import HostColumn, HostView, comments
from workers.services.host_schema.notation import HostSchema

_HEAD = """\
-- What booksync shows to applications, for tools that read SQL and for tests in a database without booksync: tables
-- stand for the views, and the functions do nothing. A database with booksync has all of this already.

CREATE SCHEMA IF NOT EXISTS booksync;
"""


def written(schema: HostSchema) -> str:
    """Statements that make a table for each view, and functions that return nothing."""
    return "\n".join(
        [_HEAD, *(_table(schema, view) for view in schema.views), *map(_function, schema.functions)],
    )


def _table(schema: HostSchema, view: HostView) -> str:
    name = f"booksync.{view.name}"
    columns = ",\n".join(_column(column, schema.type_of(column)) for column in view.columns)
    return f"CREATE TABLE {name} (\n{columns}\n);\n{comments(view, 'TABLE')}"


def _column(column: HostColumn, kind: str) -> str:
    constraint = " PRIMARY KEY" if column.is_key else "" if column.is_null else " NOT NULL"
    return f"    {column.name} {kind}{constraint}"


def _function(function: HostFunction) -> str:
    returned, body = function.result, f"SELECT NULL::{function.result}"
    if function.columns:
        returned = f"TABLE (\n    {', '.join(f'{each.name} {each.type}' for each in function.columns)}\n)"
        body = f"SELECT {', '.join(f'NULL::{each.type}' for each in function.columns)} WHERE false"
    given = ", ".join(map(_parameter, function.parameters))
    return f"CREATE FUNCTION booksync.{function.name}({given})\nRETURNS {returned} LANGUAGE sql AS $$ {body} $$;\n"


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is None else f" DEFAULT {parameter.default}"
    return f"{parameter.name} {parameter.type}{default}"
