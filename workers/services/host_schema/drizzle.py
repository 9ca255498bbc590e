"""Views and functions for Drizzle."""

from db.host_functions import HostFunction, Parameter
from db.migrations.host_views import HostColumn, HostView
from workers.services.host_schema.notation import HostSchema, in_camel_case, in_pascal_case

#: Postgres's type → the function of Drizzle and its options.
_TYPES = {
    "uuid": ("uuid", ""),
    "text": ("text", ""),
    "bigint": ("bigint", '{ mode: "bigint" }'),
    "smallint": ("smallint", ""),
    "numeric": ("numeric", ""),
    "date": ("date", ""),
    "timestamptz": ("timestamp", "{ withTimezone: true }"),
}
#: The same for a function's parameters and rows; drivers return times as Date or as text.
_OF_FUNCTIONS = {
    "uuid": "string",
    "text": "string",
    "integer": "number",
    "smallint": "number",
    "date": "string | Date",
    "timestamp with time zone": "string | Date",
}


def written(schema: HostSchema) -> str:
    """The views as existing ones, which drizzle-kit does not change, and the functions as SQL with types."""
    kinds = {_TYPES[schema.type_of(column)][0] for view in schema.views for column in view.columns}
    head = (
        'import { sql } from "drizzle-orm";\n'
        f'import {{ {", ".join(sorted({"pgSchema", *kinds}))} }} from "drizzle-orm/pg-core";\n\n'
        'export const booksync = pgSchema("booksync");\n'
    )
    return "\n".join(
        [head, *(_view(schema, view) for view in schema.views), *(_function(function) for function in schema.functions)]
    )


def _view(schema: HostSchema, view: HostView) -> str:
    columns = "".join(_column(column, schema.type_of(column)) for column in view.columns)
    return (
        f"/** {view.meaning} */\nexport const {in_camel_case(view.name)} = booksync\n"
        f'  .view("{view.name}", {{\n{columns}  }})\n  .existing();\n'
    )


def _column(column: HostColumn, kind: str) -> str:
    function, options = _TYPES[kind]
    given = ", ".join(filter(None, [f'"{column.name}"', options]))
    required = "" if column.is_null else ".notNull()"
    return f"    /** {column.meaning} */\n    {in_camel_case(column.name)}: {function}({given}){required},\n"


def _function(function: HostFunction) -> str:
    """A function that builds the call, and the type of its rows."""
    row = f"{in_pascal_case(function.name)}Row"
    columns = function.columns or (Parameter(function.name, function.result),)
    declared = "".join(f"  {each.name}: {_OF_FUNCTIONS[each.type]};\n" for each in columns)
    passed = ", ".join(f"{each.name} => ${{{in_camel_case(each.name)}}}::{each.type}" for each in function.given)
    return (
        f"export type {row} = {{\n{declared}}};\n\n"  # noqa: S608 - names
        f"/** `await db.execute(…)` of the result calls booksync.{function.name}. */\n"
        f"export const {in_camel_case(function.name)} = ({', '.join(map(_parameter, function.given))}) =>\n"
        f"  sql<{row}>`SELECT * FROM booksync.{function.name}({passed})`;\n"
    )


def _parameter(parameter: Parameter) -> str:
    declared = f"{in_camel_case(parameter.name)}: {_OF_FUNCTIONS[parameter.type]}"
    if parameter.default is None:
        return declared
    return f"{declared} = {parameter.default}" if parameter.default.isdigit() else f"{declared} | null = null"
