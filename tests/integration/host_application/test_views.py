"""Promises of booksync.customers and booksync.due_calls, which host applications rely on."""

import uuid

import pytest
from sqlalchemy import Engine, text

from db import hand_over
from db.connections import Connection
from db.migrations.host_views import CUSTOMERS, DUE_CALLS, VIEWS, HostView
from tests.builders import a_contact
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import altered, change, row, rows
from tests.integration.db.reminding import SWITCH_ON, tell_contact

PHONE = "+447912345678"


@pytest.fixture
def home(engine: Engine) -> Connection:
    connection = a_connection(engine)
    tell_contact(engine, connection, a_contact(details=SWITCH_ON))
    return connection


def customer(engine: Engine) -> dict[str, object]:
    return dict(row(engine, "SELECT * FROM booksync.customers"))


def due_calls(engine: Engine) -> list[object]:
    return [call["reminder_id"] for call in rows(engine, "SELECT * FROM booksync.due_calls ORDER BY reminder_id")]


class TestCustomers:
    def test_a_row_has_the_customer_and_its_organisation(self, engine: Engine, home: Connection) -> None:
        found = customer(engine)
        assert (found["user_id"], found["connection_id"]) == (home.user_id, home.connection_id)
        assert (found["organization_id"], found["phone"], found["status"]) == ("10234695", PHONE, "active")
        assert (found["phone_problem"], found["zoho_customer_id"]) == (None, a_contact().contact_id)

    @pytest.mark.usefixtures("home")
    @pytest.mark.parametrize(
        ("values", "phone", "problem"),
        [
            ("primary_phone = NULL", None, "no_phone"),
            ("primary_phone = 'ask Ada', phone_problem = 'not_alone'", None, "not_alone"),
            ("phone_not_callable = 'fax'", None, "fax"),
            # A person has overruled the text.
            (
                """phone_not_callable = 'fax', phone_verdict = phone_verdict || '{"confirmed": true}'""",
                PHONE,
                None,
            ),
        ],
    )
    def test_a_phone_is_one_to_call_or_has_a_problem(
        self, engine: Engine, values: str, phone: str | None, problem: str | None
    ) -> None:
        change(engine, f"UPDATE booksync.customers_cache SET {values.replace(':', chr(92) + ':')}")
        found = customer(engine)
        assert (found["phone"], found["phone_problem"]) == (phone, problem)

    @pytest.mark.usefixtures("home")
    @pytest.mark.parametrize(
        ("values", "status"),
        [
            ("status = 'inactive'", "inactive"),
            ("status = 'deleted'", "deleted"),
            ("gone_at = now()", "deleted"),
            ("status = 'a status of a later release'", "inactive"),
        ],
    )
    def test_a_status_is_one_of_three(self, engine: Engine, values: str, status: str) -> None:
        change(engine, f"UPDATE booksync.customers_cache SET {values}")
        assert customer(engine)["status"] == status

    @pytest.mark.usefixtures("home")
    def test_a_missing_text_is_null(self, engine: Engine) -> None:
        change(engine, "UPDATE booksync.customers_cache SET company_name = '', primary_email = ''")
        found = customer(engine)
        assert (found["company_name"], found["email"]) == (None, None)

    @pytest.mark.slow
    def test_a_condition_on_the_user_uses_an_index(self, engine: Engine, home: Connection) -> None:
        with altered(
            engine,
            """
            CREATE TEMP TABLE made ON COMMIT DROP AS SELECT gen_random_uuid() AS id FROM generate_series(1, 200);
            INSERT INTO users (id) SELECT id FROM made;
            INSERT INTO booksync.customers_cache (user_id, zoho_customer_id)
                SELECT id, number::text FROM made, generate_series(1, 100) AS number;
            ANALYZE booksync.customers_cache
            """,
        ) as db:
            plan = "\n".join(
                db.execute(
                    text("EXPLAIN SELECT * FROM booksync.customers WHERE user_id = :user_id"),
                    {"user_id": home.user_id},
                ).scalars()
            )
        assert "uq_customers_cache_user_id" in plan
        assert "Seq Scan on customers_cache" not in plan


class TestDueCalls:
    @pytest.mark.usefixtures("due")
    def test_they_are_what_the_claim_hands_over_and_reading_claims_nothing(self, engine: Engine) -> None:
        shown = due_calls(engine)
        assert len(shown) == 2
        assert due_calls(engine) == shown
        with engine.begin() as db:
            (taken,) = hand_over.claim(db)
        assert sorted(taken.reminder_ids) == shown
        assert due_calls(engine) == []

    def test_a_call_has_what_the_caller_says(self, engine: Engine, due: Connection) -> None:
        call, _ = rows(engine, "SELECT * FROM booksync.due_calls ORDER BY zoho_invoice_id")
        assert (call["user_id"], call["connection_id"]) == (due.user_id, due.connection_id)
        assert (call["phone"], call["zoho_invoice_id"], call["balance"]) == (PHONE, "1", 120)
        assert row(
            engine, "SELECT count(*) AS n FROM booksync.due_calls JOIN booksync.customers USING (customer_id)"
        ) == {"n": 2}

    @pytest.mark.usefixtures("due")
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE booksync.zoho_connections SET handover = 'closed'",
            "UPDATE reminders SET closes_at = now()",
            "UPDATE reminders SET scheduled_at = now() + interval '1 minute'",
            "UPDATE invoices_cache SET balance = 0",
            "UPDATE sync_metadata SET last_invoice_sync_at = now() - interval '1 day'",
        ],
    )
    def test_what_is_held_back_is_not_shown(self, engine: Engine, statement: str) -> None:
        change(engine, statement)
        assert due_calls(engine) == []

    def test_a_condition_on_the_user_reads_no_other_connection(self, engine: Engine, due: Connection) -> None:
        count = "SELECT count(*) AS n FROM booksync.due_calls WHERE user_id = :id"
        assert row(engine, count, id=due.user_id) == {"n": 2}
        assert row(engine, count, id=uuid.uuid4()) == {"n": 0}
        explained = rows(
            engine,
            "EXPLAIN (ANALYZE, TIMING off, COSTS off) SELECT * FROM booksync.due_calls WHERE user_id = :id",
            id=uuid.uuid4(),
        )
        assert any(
            "due_calls_of" in line["QUERY PLAN"] and "never executed" in line["QUERY PLAN"] for line in explained
        )


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_column_has_its_comment_and_its_type(engine: Engine, view: HostView) -> None:
    found = rows(
        engine,
        """
        SELECT attname, format_type(atttypid, NULL) AS type, col_description(attrelid, attnum) AS comment
          FROM pg_attribute WHERE attrelid = CAST(:view AS regclass) AND attnum > 0 ORDER BY attnum
        """,
        view=f"booksync.{view.name}",
    )
    types = {"user_id": "uuid", "timestamptz": "timestamp with time zone"}
    assert [(each["attname"], each["type"], each["comment"]) for each in found] == [
        (column.name, types.get(column.type, column.type), column.meaning) for column in view.columns
    ]


def test_the_promise_is_kept() -> None:
    """A column may be added. A removed or renamed column breaks host applications."""
    assert {column.name for column in CUSTOMERS.columns} >= {
        *("customer_id", "user_id", "connection_id", "organization_id", "zoho_customer_id", "customer_name"),
        *(
            "company_name",
            "email",
            "phone",
            "phone_problem",
            "country_code",
            "status",
            "zoho_modified_at",
            "updated_at",
        ),
    }
    assert {column.name for column in DUE_CALLS.columns} >= {
        *("reminder_id", "user_id", "connection_id", "customer_id", "customer_name", "phone", "invoice_id"),
        *("zoho_invoice_id", "invoice_number", "due_date", "balance", "currency_code", "step", "day"),
        *("scheduled_at", "closes_at"),
    }


@pytest.mark.usefixtures("due")
def test_tables_under_the_views_can_change(engine: Engine) -> None:
    with altered(
        engine,
        "ALTER TABLE booksync.customers_cache ADD COLUMN further text, DROP COLUMN rest_days CASCADE",
        "ALTER TABLE invoices_cache ALTER COLUMN invoice_number TYPE varchar(100), ALTER COLUMN balance TYPE float8",
        "ALTER TABLE booksync.zoho_connections RENAME COLUMN organization_id TO zoho_organization_id",
    ) as db:
        assert db.execute(text("SELECT organization_id FROM booksync.customers")).scalar_one() == "10234695"


@pytest.mark.usefixtures("due")
def test_nobody_writes_through_the_views(engine: Engine) -> None:
    for view in VIEWS:
        updatable = row(
            engine,
            "SELECT pg_relation_is_updatable(CAST(:view AS regclass), true) AS events",
            view=f"booksync.{view.name}",
        )
        assert updatable == {"events": 0}
