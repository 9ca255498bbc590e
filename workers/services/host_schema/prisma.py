"""Views for schema.prisma."""

from db.host_functions import HostFunction
from db.migrations.host_views import HostColumn, HostView
from workers.services.host_schema.notation import HostSchema, in_camel_case, in_pascal_case

_TYPES = {
    "uuid": ("String", "@db.Uuid"),
    "text": ("String", ""),
    "bigint": ("BigInt", ""),
    "smallint": ("Int", "@db.SmallInt"),
    "numeric": ("Decimal", "@db.Decimal"),
    "date": ("DateTime", "@db.Date"),
    "timestamptz": ("DateTime", "@db.Timestamptz(6)"),
}
_HEAD = """\
// Add these views to schema.prisma, with
//   generator client { previewFeatures = ["views"] }
//   datasource db    { schemas = ["public", "booksync"] }   (then your own models need @@schema("public"))
// Prisma has no models of functions. Call them in a transaction:
"""


def written(schema: HostSchema) -> str:
    """The views as Prisma's, and the calls of the functions as comments."""
    calls = "".join(map(_call, schema.functions))
    return "\n".join([_HEAD + calls, *(_view(schema, view) for view in schema.views)])


def _call(function: HostFunction) -> str:
    passed = ", ".join(f"${{{in_camel_case(each.name)}}}::{each.type}" for each in function.given)
    return f"//   prisma.$queryRaw`SELECT * FROM booksync.{function.name}({passed})`\n"  # noqa: S608 - names


def _view(schema: HostSchema, view: HostView) -> str:
    name = f"booksync_{view.name}"
    fields = "".join(_field(column, schema.type_of(column)) for column in view.columns)
    return (
        f"/// {view.meaning}\nview {in_pascal_case(name)} {{\n{fields}\n"
        f'  @@map("{view.name}")\n  @@schema("booksync")\n}}\n'
    )


def _field(column: HostColumn, kind: str) -> str:
    name = in_camel_case(column.name)
    scalar, native = _TYPES[kind]
    mapped = "" if name == column.name else f'@map("{column.name}")'
    parts = [name, scalar + ("?" if column.is_null else ""), mapped, native]
    return f"  /// {column.meaning}\n  {' '.join(filter(None, parts))}\n"
