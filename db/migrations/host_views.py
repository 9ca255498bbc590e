"""The two views that host applications may rely on: `booksync.customers` and `booksync.due_calls`.

Two revisions create them, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.
Every statement can be repeated. A view shows its rows with the rights of its owner, so its readers need no right on
tables. A revision that changes the type of a column under a view calls `remove` before and `add` after it; it grants
the rights on the views again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.migrations.errors import MigrationRefusedError
from db.migrations.rights import owner_of_table
from db.migrations.schemas import SCHEMA, host_schema
from db.migrations.steps import Raw, briefly


@dataclass(frozen=True, slots=True)
class HostColumn:
    """A column of a view. `type` is a type of Postgres, or USER_ID for that of users.id."""

    name: str
    type: str
    meaning: str
    source: str  #: the expression in the view's SELECT
    is_key: bool = False  #: identifies a row
    is_null: bool = False  #: may be NULL


@dataclass(frozen=True, slots=True)
class HostView:
    """A view in booksync's schema."""

    name: str
    meaning: str
    columns: tuple[HostColumn, ...]


USER_ID: Final = "user_id"

_CONFIRMED: Final = """customer.phone_verdict @> '{"confirmed": true}'"""
_NOT_CALLABLE: Final = f"CASE WHEN {_CONFIRMED} THEN NULL ELSE customer.phone_not_callable END"

CUSTOMERS: Final = HostView(
    "customers",
    "The customers that booksync has read from Zoho Books, one row each.",
    (
        HostColumn("customer_id", "uuid", "Identifies the customer.", "customer.id", is_key=True),
        HostColumn("user_id", USER_ID, "The user of the host application: users.id.", "customer.user_id"),
        HostColumn(
            "connection_id",
            "uuid",
            "The connection to a Zoho organisation. NULL: copied from an older application and not read from Zoho yet.",
            "customer.connection_id",
            is_null=True,
        ),
        HostColumn(
            "organization_id",
            "text",
            "The number of the organisation in Zoho; NULL as connection_id.",
            "home.organization_id",
            is_null=True,
        ),
        HostColumn("zoho_customer_id", "text", "The id of the contact in Zoho.", "customer.zoho_customer_id"),
        HostColumn("customer_name", "text", "The display name in Zoho.", "customer.customer_name"),
        HostColumn(
            "company_name",
            "text",
            "The company; NULL if Zoho has none.",
            "nullif(customer.company_name, '')",
            is_null=True,
        ),
        HostColumn(
            "email",
            "text",
            "The address of the primary contact person, as given in Zoho; NULL if there is none.",
            "nullif(customer.primary_email, '')",
            is_null=True,
        ),
        HostColumn(
            "phone",
            "text",
            "The number to call, in E.164. NULL: none, not valid, or not to be called by its text. A call also depends"
            " on the policy, the do-not-call list and the hours: see due_calls.",
            f"CASE WHEN customer.phone_problem IS NULL AND ({_NOT_CALLABLE}) IS NULL THEN customer.primary_phone END",
            is_null=True,
        ),
        HostColumn(
            "phone_problem",
            "text",
            "Why phone is NULL: no_phone, or a reason of docs/reminders.md such as not_alone or fax. NULL if phone is"
            " given.",
            "CASE WHEN customer.primary_phone IS NULL THEN 'no_phone'"
            f" ELSE coalesce(customer.phone_problem, {_NOT_CALLABLE}) END",
            is_null=True,
        ),
        HostColumn(
            "country_code",
            "text",
            "The country of the address in Zoho, ISO 3166-1 alpha-2; NULL if it is not known.",
            "customer.country_code",
            is_null=True,
        ),
        HostColumn(
            "status",
            "text",
            "active, inactive, or deleted (deleted or merged in Zoho). A row is never removed for its status.",
            "CASE WHEN customer.status = 'deleted' OR customer.gone_at IS NOT NULL THEN 'deleted'"
            " WHEN customer.status = 'active' THEN 'active' ELSE 'inactive' END",
        ),
        HostColumn(
            "zoho_modified_at",
            "timestamptz",
            "When the contact was last changed in Zoho; NULL if Zoho has not said it.",
            "customer.zoho_last_modified_at",
            is_null=True,
        ),
        HostColumn("updated_at", "timestamptz", "When booksync last changed the row.", "customer.updated_at"),
    ),
)

DUE_CALLS: Final = HostView(
    "due_calls",
    "The reminders that claim_due_reminders would hand over now, one row each. Reading claims nothing.",
    (
        HostColumn("reminder_id", "uuid", "Identifies the reminder.", "due.reminder_id", is_key=True),
        HostColumn("user_id", USER_ID, "The user of the host application: users.id.", "home.user_id"),
        HostColumn("connection_id", "uuid", "The connection to a Zoho organisation.", "home.id"),
        HostColumn("customer_id", "uuid", "The customer: customers.customer_id.", "due.customer_id"),
        HostColumn("customer_name", "text", "The display name in Zoho.", "customer.customer_name"),
        HostColumn("phone", "text", "The number to call, in E.164.", "due.phone"),
        HostColumn("invoice_id", "uuid", "The invoice: invoices_cache.id.", "due.invoice_id"),
        HostColumn("zoho_invoice_id", "text", "The id of the invoice in Zoho.", "invoice.zoho_invoice_id::text"),
        HostColumn(
            "invoice_number",
            "text",
            "The number on the invoice; NULL if Zoho has none.",
            "nullif(invoice.invoice_number::text, '')",
            is_null=True,
        ),
        HostColumn("due_date", "date", "The day by which the invoice is to be paid.", "invoice.due_date"),
        HostColumn("balance", "numeric", "The amount that is owed.", "invoice.balance::numeric"),
        HostColumn(
            "currency_code",
            "text",
            "The currency of the balance, ISO 4217; NULL if Zoho has not said it.",
            "nullif(invoice.currency_code::text, '')",
            is_null=True,
        ),
        HostColumn("step", "smallint", "Days from the due date, negative before it.", "due.step"),
        HostColumn("day", "date", "The day of the call, on the first clock of the number.", "due.day"),
        HostColumn("scheduled_at", "timestamptz", "The time from which the call is due.", "due.scheduled_at"),
        HostColumn("closes_at", "timestamptz", "Call before this time.", "due.closes_at"),
    ),
)

VIEWS: Final = (CUSTOMERS, DUE_CALLS)

# The function reads one connection, so that a condition on user_id or connection_id of the view reads no other
# connection's reminders. Its statement is bound late: a revision may change the tables under it. Only its owner may
# call it until another role gets the right, because it reads with its owner's rights.
_FUNCTION: Final = f"{SCHEMA}.due_calls_of(uuid, timestamptz)"
_IN_VIEW: Final = ("user_id", "connection_id")


def add(connection: Raw) -> None:
    """Create the views with the comments on their columns.

    Raises:
        MigrationRefusedError: another application has a table of the same name.
    """
    for view in VIEWS:
        _refuse_foreign(connection, view)
    owner = owner_of_table(connection, f"{SCHEMA}.zoho_connections")
    briefly(
        connection,
        f"""
        {_due_calls_of(connection)};
        ALTER FUNCTION {_FUNCTION} OWNER TO {owner};
        {_customers()};
        {_due_calls()};
        """
        + "".join(f"ALTER VIEW {SCHEMA}.{view.name} OWNER TO {owner};{comments(view, 'VIEW')}" for view in VIEWS),
    )


def remove(connection: Raw) -> None:
    """Drop the views and their function."""
    briefly(
        connection,
        f"""
        DROP VIEW IF EXISTS {SCHEMA}.due_calls, {SCHEMA}.customers;
        DROP FUNCTION IF EXISTS {_FUNCTION};
        """,
    )


def _customers() -> str:
    return f"""
        CREATE OR REPLACE VIEW {SCHEMA}.customers AS SELECT {_selected(CUSTOMERS.columns)}
        FROM {SCHEMA}.customers_cache AS customer
        LEFT JOIN {SCHEMA}.zoho_connections AS home ON home.id = customer.connection_id
    """  # noqa: S608 - names


def _due_calls() -> str:
    shown = ", ".join(
        f"{column.source} AS {column.name}" if column.name in _IN_VIEW else f"call.{column.name}"
        for column in DUE_CALLS.columns
    )
    return f"""
        CREATE OR REPLACE VIEW {SCHEMA}.due_calls AS SELECT {shown}
        FROM {SCHEMA}.zoho_connections AS home
        CROSS JOIN LATERAL {SCHEMA}.due_calls_of(home.id, statement_timestamp()) AS call
        WHERE home.handover = 'open'
    """  # noqa: S608 - names


def _due_calls_of(connection: Raw) -> str:
    columns = [column for column in DUE_CALLS.columns if column.name not in _IN_VIEW]
    host = host_schema(connection)
    return f"""
        CREATE OR REPLACE FUNCTION {SCHEMA}.due_calls_of(only_connection uuid, moment timestamptz)
        RETURNS TABLE ({", ".join(f"{column.name} {column.type}" for column in columns)})
        LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
            SELECT {_selected(columns)}
            FROM {SCHEMA}.due_reminders(moment) AS due
            JOIN {host}.invoices_cache AS invoice ON invoice.id = due.invoice_id
            JOIN {SCHEMA}.customers_cache AS customer ON customer.id = due.customer_id
            WHERE due.connection_id = only_connection AND due.closes_at > moment AND due.held_back IS NULL
        $$;
        REVOKE EXECUTE ON FUNCTION {_FUNCTION} FROM PUBLIC
    """  # noqa: S608 - names


def _selected(columns: Sequence[HostColumn]) -> str:
    return ", ".join(f"{column.source} AS {column.name}" for column in columns)


def comments(view: HostView, kind: str) -> str:
    """The statements, one a line, for the comments on the view and its columns; a TABLE may stand for the VIEW."""
    name = f"{SCHEMA}.{view.name}"
    return f"COMMENT ON {kind} {name} IS {_literal(view.meaning)};\n" + "".join(
        f"COMMENT ON COLUMN {name}.{column.name} IS {_literal(column.meaning)};\n" for column in view.columns
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _refuse_foreign(connection: Raw, view: HostView) -> None:
    name = f"{SCHEMA}.{view.name}"
    found = "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relkind <> 'v'"
    if connection.execute(found, [name]).fetchone() is not None:
        raise MigrationRefusedError(
            f"The table {name} is there, but it is not booksync's: rename it, or put it in another schema"
        )
