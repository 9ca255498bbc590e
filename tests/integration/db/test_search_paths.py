"""A caller's search_path and temporary objects change neither the result nor the writes of a handover."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, text

from db import hand_over
from db.session import Session
from tests.integration.db.look import altered
from tests.integration.db.reminding import DUE_AT

#: Every table that a function uses, with its schema.
_TABLES = {
    "customers_cache": "booksync",
    "do_not_call": "booksync",
    "handover_outcomes": "booksync",
    "handovers": "booksync",
    "invoices_cache": "public",
    "reminder_policies": "booksync",
    "reminders": "public",
    "sync_metadata": "public",
    "zoho_connections": "booksync",
}

_EMPTY_COPIES = [f"CREATE TEMP TABLE {table} (LIKE {schema}.{table})" for table, schema in _TABLES.items()]
_EVIL_TABLES = [
    "CREATE SCHEMA evil",
    *(f"CREATE TABLE evil.{table} (LIKE {schema}.{table})" for table, schema in _TABLES.items()),
]

#: A false operator ahead of the true one, for each comparison of the handover.
_EVIL_OPERATORS = [
    "CREATE SCHEMA evil",
    *(
        f"""
        CREATE FUNCTION evil.{kind}_never({kind}, {kind}) RETURNS boolean LANGUAGE sql AS 'SELECT false';
        CREATE OPERATOR evil.= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.{kind}_never);
        CREATE OPERATOR evil.<= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.{kind}_never);
        CREATE OPERATOR evil.> (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = evil.{kind}_never)
        """
        for kind in ("text", "uuid", "timestamptz", "date")
    ),
]

_EVIL_FUNCTIONS = [
    "CREATE SCHEMA evil",
    """
    CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'dispute' $$;
    CREATE FUNCTION evil.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint';
    CREATE FUNCTION evil.pg_try_advisory_xact_lock(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION evil.pg_try_advisory_xact_lock_shared(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '1999-01-01Z' $$;
    CREATE FUNCTION evil.clock_problem(timestamptz, text[], text, integer[], text, jsonb) RETURNS text
        LANGUAGE sql AS $$ SELECT 'outside_hours' $$;
    CREATE FUNCTION evil.due_reminders(timestamptz) RETURNS SETOF public.reminders
        LANGUAGE sql AS 'SELECT * FROM public.reminders WHERE false'
    """,
]

_EVIL_TYPES = [
    "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false)",
    "CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (false)",
    "CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (false)",
]

_TRICKS = {
    "temporary tables": _EMPTY_COPIES,
    "temporary tables named first": [*_EMPTY_COPIES, "SET LOCAL search_path = pg_temp, public"],
    "temporary types": _EVIL_TYPES,
    "another schema's tables": [*_EVIL_TABLES, "SET LOCAL search_path = evil, public"],
    "another schema's operators": [*_EVIL_OPERATORS, "SET LOCAL search_path = evil, pg_catalog, public"],
    "another schema's functions": [*_EVIL_FUNCTIONS, "SET LOCAL search_path = evil, pg_catalog, public"],
    "no path": ["SET LOCAL search_path = ''"],
    "a schema that does not exist": ["SET LOCAL search_path = nowhere"],
}

#: `due_reminders` is inlined into its caller's statement, so it uses the caller's operators. It writes nothing.
_TRICKS_ON_OPERATORS = ("temporary types", "another schema's operators", "another schema's functions")

pytestmark = pytest.mark.usefixtures("due")

every_trick = pytest.mark.parametrize("statements", _TRICKS.values(), ids=_TRICKS.keys())


def value(db: Session, sql: str, **values: object) -> object:
    return db.execute(text(sql), values).scalar_one()


@pytest.mark.parametrize("schema", ["booksync", "public"])
@every_trick
def test_a_handover_returns_and_writes_the_same(engine: Engine, statements: Sequence[str], schema: str) -> None:
    with altered(engine, *statements) as db:
        claimed = db.execute(text(f"SELECT * FROM {schema}.claim_due_reminders(moment => :at)"), {"at": DUE_AT})
        (taken,) = claimed.all()
        db.execute(text("SET LOCAL search_path = pg_catalog"))
        assert value(db, "SELECT count(*) FROM booksync.handovers") == 1
        written = "SELECT status FROM public.reminders WHERE handover_id = :handover_id AND contact_id = :contact_id"
        assert value(db, written, handover_id=taken.handover_id, contact_id=taken.contact_id) == "sent"


@pytest.mark.parametrize("schema", ["booksync", "public"])
@pytest.mark.parametrize("trick", [trick for trick in _TRICKS if trick not in _TRICKS_ON_OPERATORS])
def test_due_reminders_are_the_same(engine: Engine, trick: str, schema: str) -> None:
    with altered(engine, *_TRICKS[trick]) as db:
        found = f"SELECT held_back IS NULL FROM {schema}.due_reminders(:at)"
        assert value(db, found, at=DUE_AT) is True


@pytest.mark.parametrize("schema", ["booksync", "public"])
@every_trick
def test_an_outcome_is_recorded_in_the_same_table(engine: Engine, statements: Sequence[str], schema: str) -> None:
    with altered(engine) as db:
        (taken,) = hand_over.claim(db, at=DUE_AT)
        for statement in statements:
            db.execute(text(statement))
        reported = f"SELECT {schema}.report_outcome(:handover, 'do_not_call')"
        assert value(db, reported, handover=taken.handover_id) == 1
        db.execute(text("SET LOCAL search_path = pg_catalog"))
        assert value(db, "SELECT count(*) FROM booksync.handover_outcomes") == 1
        assert value(db, "SELECT count(*) FROM booksync.do_not_call") == 1
        assert value(db, "SELECT count(*) FROM public.invoices_cache WHERE plan_at < now() + interval '1 min'") == 1
