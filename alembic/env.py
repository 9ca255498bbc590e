"""Alembic's entry point: it selects the database and configures the comparison with the models.

`booksync migrate` passes its own connection; the plain `alembic` command reads DATABASE_URL from the environment.
"""

import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from db.legacy.phone_rule import ATTRIBUTE
from db.legacy.present_phone_rule import judge_phone
from db.migrations.errors import MigrationError
from db.migrations.runner import applied_revision
from db.migrations.schemas import SCHEMA, VERSION_TABLE, host_schema, raw, user_id_type
from db.migrations.turn import one_at_a_time
from db.models import Base

# The tables that only the migrations read and write, so they have no model.
_WITHOUT_MODEL = {
    "migration_receipt",
    "migration_progress",
    "migration_added",
    "migration_step_texts",
    "migration_stamps",
    VERSION_TABLE,
}


def main() -> None:
    if context.is_offline_mode():
        raise MigrationError("These migrations read rows, so they need the database: run them without --sql")
    given = context.config.attributes
    if given.get("connection") is not None:
        run(given["connection"], given["on_version_apply"])
    else:
        with one_at_a_time(database_url()) as connection:
            run(connection, say)


def database_url() -> str:
    url = os.environ.get("DATABASE_URL", "").strip()
    if not url:
        raise MigrationError("Missing setting: DATABASE_URL (postgresql://user:password@host:5432/database)")
    return url


def run(connection: Connection, on_version_apply: Any) -> None:
    context.config.attributes[ATTRIBUTE] = judge_phone
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        transaction_per_migration=True,
        on_version_apply=on_version_apply,
        compare_type=True,
        compare_server_default=True,
        include_schemas=True,
        include_name=is_compared,
        include_object=is_of_a_models_type,
    )
    if "destination_rev" not in context.get_context().opts:
        # In a comparison with the models, reflection must not find booksync's tables in the search_path too.
        host = host_schema(raw(connection))
        connection.execute(text("SELECT set_config('search_path', :host, false)"), {"host": host})
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def is_compared(name: str | None, kind: str, _parents: Any) -> bool:
    if kind == "schema":
        return name in (None, SCHEMA)
    return kind != "table" or name not in _WITHOUT_MODEL


def is_of_a_models_type(compared: Any, name: str | None, kind: str, _is_reflected: bool, other: Any) -> bool:
    """Whether an object is compared with its model.

    Columns with users' ids are left out if the host's users have ids of another type than uuid.
    """
    is_column = kind == "column" and other is not None
    if is_column and (name == "user_id" or (compared.table.name, name) == ("users", "id")):
        return user_id_type(raw(context.get_bind())) == "uuid"
    return True


def say(**happened: Any) -> None:
    step = happened["step"]
    if not step.is_stamp:
        done = applied_revision(step)
        context.config.print_stdout("%s %s: %s", "applied" if done.upgraded else "undone", done.revision, done.title)


main()
