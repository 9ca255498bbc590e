"""Moves the functions of the handover to booksync's schema. The functions can be called by their former names, too.

The former names stay for one release.
"""

from collections.abc import Sequence
from typing import Final

from db.migrations import containment
from db.migrations.rights import rights_of_function, schema_usage
from db.migrations.schemas import SCHEMA, Raw, with_user_id_type
from db.migrations.scripts import FUNCTIONS, SQL
from db.migrations.steps import briefly

#: The functions that other applications call, by name.
_PUBLIC: Final = (
    "claim_due_reminders(integer, uuid, timestamptz)",
    "due_reminders(timestamptz)",
    "reminder_checks(timestamptz)",
    "report_outcome(uuid, text, uuid, date, text)",
)
_PRIVATE: Final = (
    "clock_problem(timestamptz, text[], text, integer[], text, jsonb)",
    "is_shared({{user_id}}, text, integer)",
    "local_time(timestamptz, text)",
)
_FORMER_PRIVATE: Final = (
    "booksync_clock_problem(timestamptz, text[], text, integer[], text, jsonb)",
    "booksync_is_shared({{user_id}}, text, integer)",
    "booksync_local_time(timestamptz, text)",
)

_FORMER_FUNCTIONS: Final = ("0010_reminder_functions.sql", "0011_number_checks.sql")


def move_functions(connection: Raw, host: str) -> None:
    """Install the functions in booksync's schema.

    Functions with the former names call the new ones, with the former rights.
    """
    known_rights = {
        signature: rights_of_function(connection, f"{SCHEMA}.{signature}")
        or rights_of_function(connection, f"{host}.{signature}")
        for signature in _PUBLIC
    }
    statements = [
        f"DROP FUNCTION IF EXISTS {host}.{signature};" for signature in (*_PUBLIC, *_typed(connection, _FORMER_PRIVATE))
    ]
    statements.append(_template("0007d_handover.sql", host, connection))
    if host != SCHEMA:
        statements.append(_template("0007d_former_names.sql", host, connection))
    for signature, known in known_rights.items():
        if known is not None:
            statements.append(schema_usage(grant for grant in known.grants if grant.grantee != "PUBLIC"))
            statements += [known.on(f"{place}.{signature}") for place in sorted({SCHEMA, host})]
    briefly(connection, "\n".join(statements))


def move_functions_back(connection: Raw, host: str) -> None:
    """Restore the previous release's functions in the host's schema.

    The restored functions also work over the views of the former tables.
    """
    rights = {signature: rights_of_function(connection, f"{host}.{signature}") for signature in _PUBLIC}
    statements = [f"SELECT set_config('search_path', {_literal(host)}, true);"]
    statements += [
        f"DROP FUNCTION IF EXISTS {place}.{signature};" for place in sorted({SCHEMA, host}) for signature in _PUBLIC
    ]
    statements += [f"DROP FUNCTION IF EXISTS {SCHEMA}.{signature};" for signature in _typed(connection, _PRIVATE)]
    former = [(SQL / name).read_text() for name in _FORMER_FUNCTIONS]
    statements += _typed(connection, former)
    statements += [known.on(f"{host}.{signature}") for signature, known in rights.items() if known is not None]
    briefly(connection, "\n".join(statements))
    containment.weaken_locks(connection)


def _typed(connection: Raw, signatures: Sequence[str]) -> list[str]:
    return [with_user_id_type(connection, signature) for signature in signatures]


def _template(name: str, host: str, connection: Raw) -> str:
    statements = (FUNCTIONS / name).read_text()
    return with_user_id_type(connection, statements.replace("{{host}}", host))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
