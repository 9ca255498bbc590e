"""Unmanaged models and functions for Django."""

from db.host_functions import HostFunction, Parameter
from db.migrations.host_views import HostColumn, HostView
from workers.services.host_schema.notation import HostSchema, in_pascal_case

#: Postgres's type → the field of Django and its arguments.
_FIELDS = {
    "uuid": ("UUIDField", ""),
    "text": ("TextField", ""),
    "bigint": ("BigIntegerField", ""),
    "smallint": ("SmallIntegerField", ""),
    "numeric": ("DecimalField", "max_digits=38, decimal_places=9"),
    "date": ("DateField", ""),
    "timestamptz": ("DateTimeField", ""),
}
_HEAD = '''\
"""booksync's views and functions. Django makes no migration for these models and cannot save them."""

from django.db import connection, models


'''
_CALL = """\


def _rows(query, values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]
"""


def written(schema: HostSchema) -> str:
    """A module with a model for each view and a function for each function."""
    models = "\n\n".join(_model(schema, view) for view in schema.views)
    return _HEAD + models + _CALL + "".join(_function(function) for function in schema.functions)


def _model(schema: HostSchema, view: HostView) -> str:
    fields = "".join(_field(column, schema.type_of(column)) for column in view.columns)
    return (
        f'class {in_pascal_case(f"booksync_{view.name}")}(models.Model):\n    """{view.meaning}"""\n\n{fields}\n'
        f'    class Meta:\n        managed = False\n        db_table = \'"booksync"."{view.name}"\'\n'
    )


def _field(column: HostColumn, kind: str) -> str:
    field, arguments = _FIELDS[kind]
    key, null = ("primary_key=True" if column.is_key else ""), ("null=True" if column.is_null else "")
    given = ", ".join(filter(None, [key, arguments, null]))
    return f"    # {column.meaning}\n    {column.name} = models.{field}({given})\n"


def _function(function: HostFunction) -> str:
    passed = ", ".join(f"{each.name} => %s::{each.type}" for each in function.given)
    return (
        f"\n\ndef {function.name}({', '.join(map(_parameter, function.given))}):\n"  # noqa: S608 - names
        f"    return _rows(\n"
        f'        "SELECT * FROM booksync.{function.name}({passed})",\n'
        f"        [{', '.join(each.name for each in function.given)}],\n    )\n"
    )


def _parameter(parameter: Parameter) -> str:
    if parameter.default is None:
        return parameter.name
    return f"{parameter.name}={parameter.default if parameter.default.isdigit() else None}"
