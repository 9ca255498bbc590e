"""Customers made out of the copies in invoices; for each value of a customer, the copy that it comes from is known."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from db.legacy.customer_phones import ChosenPhone, CustomerKey, PhoneCopy, UserId, choose_phones
from db.legacy.phone_rule import phone_rule
from db.legacy.vocabulary import LONGEST_ID
from db.migrations.additions import build_index, drop_index
from db.migrations.batches import over_keys
from db.migrations.schemas import user_id_type, with_user_id_type
from db.migrations.steps import Raw, at_length, planning_without

#: Only the backfill uses this index; at its end the backfill drops the index.
NEWEST_COPY_INDEX: Final = "ix_invoices_cache_newest_copy"
NEWEST_FIRST: Final = "updated_at DESC NULLS LAST, zoho_last_modified_at DESC NULLS LAST, id"
#: The legacy id of a customer in the form that cached customers have. A longer text is cut to fit into an index, and is
#: still recognised as too long.
ZOHO_ID: Final = f"left(booksync_zoho_id(zoho_customer_id), {LONGEST_ID + 1})"
#: The type of users.id → a user id that precedes all others, as text.
_FIRST_USER: Final = {"uuid": str(uuid.UUID(int=0)), "text": "", "bigint": str(-(2**63))}
_CUSTOMERS_A_BATCH: Final = 200


def make_all_customers(connection: Raw) -> None:
    """Create the missing customers; each value comes from the newest copy in which the value is valid."""
    build_index(connection, NEWEST_COPY_INDEX, f"invoices_cache (user_id, ({ZOHO_ID}), {NEWEST_FIRST})")
    # While the statistics do not cover the new index, Postgres would sort the whole table for every batch.
    with planning_without(connection, "sort", "incremental_sort", "bitmapscan"):
        over_keys(connection, "customers", partial(_make_customers, connection))
    drop_index(connection, NEWEST_COPY_INDEX)
    # Without statistics, Postgres would scan all receipts for each invoice's customer.
    at_length(connection, "ANALYZE customers_cache, migration_receipt")


@dataclass(frozen=True, slots=True)
class _Described:
    """The values of one customer that its copies in invoices give, with the invoice that each value comes from."""

    user_id: UserId
    zoho_id: str | None
    is_fit: bool  #: whether the invoices can have a customer (no `booksync_quarantine_reason`)
    invoice_id: uuid.UUID  #: the newest copy of the customer
    name: str | None = field(repr=False)
    name_from: uuid.UUID | None
    country: str | None
    country_from: uuid.UUID | None
    zone: str | None
    zone_from: uuid.UUID | None
    phone: str | None = field(repr=False)  #: the phone text, trimmed
    phone_country: str | None  #: the country in the copy with that phone
    phone_country_unknown: bool | None
    phone_from: uuid.UUID | None

    @property
    def key(self) -> CustomerKey:
        assert self.zoho_id is not None
        return (self.user_id, self.zoho_id)

    @property
    def phone_copy(self) -> PhoneCopy | None:
        if self.phone is None or self.phone_from is None:
            return None
        return PhoneCopy(self.phone_from, self.phone, self.phone_country, bool(self.phone_country_unknown))

    def winners(self, phone: ChosenPhone | None) -> dict[str, str]:
        """Old column → the invoice whose copy the value comes from, where that is not the newest copy."""
        sources = {
            "customer_name": self.name_from,
            "customer_phone": phone.copy.invoice_id if phone else None,
            "customer_country_code": self.country_from,
            "customer_timezone": self.zone_from,
        }
        return {column: str(source) for column, source in sources.items() if source not in (None, self.invoice_id)}


def _newest(column: str, holds: str) -> str:
    """The SQL that finds, among a customer's copies, the newest one whose column satisfies the condition `holds`."""
    return f"""
        LATERAL (
            SELECT id, {column} AS value, customer_country_code FROM invoices_cache AS copy
            WHERE newest.is_fit AND (user_id, {ZOHO_ID}) = (newest.user_id, newest.zoho_id)
                AND {holds.format(f"copy.{column}")}
            ORDER BY user_id, {ZOHO_ID}, {NEWEST_FIRST} LIMIT 1
        )
    """  # noqa: S608 - made of constants


# Selects each customer's newest copy, and for each column the newest copy with a value. In the order of the index, so
# that a batch reads a small part of the table.
_DESCRIBE: Final = f"""
    WITH newest AS (
        SELECT *, booksync_quarantine_reason(user_id, zoho_id) IS NULL AS is_fit FROM (
            SELECT DISTINCT ON (user_id, {ZOHO_ID}) user_id, {ZOHO_ID} AS zoho_id, id AS invoice_id
            FROM invoices_cache
            WHERE (user_id, {ZOHO_ID}) > (%(user)s::{{{{user_id}}}}, %(zoho_id)s)
            ORDER BY user_id, {ZOHO_ID}, {NEWEST_FIRST}
            LIMIT {_CUSTOMERS_A_BATCH}
        ) AS copy
    )
    SELECT
        newest.user_id, zoho_id, is_fit, invoice_id,
        name.value AS name, name.id AS name_from,
        booksync_country(country.value) AS country, country.id AS country_from,
        booksync_zone(zone.value) AS zone, zone.id AS zone_from,
        booksync_trim(phone.value) AS phone, booksync_country(phone.customer_country_code) AS phone_country,
        'customer_country_code' = ANY(booksync_unfit(phone.customer_country_code, NULL)) AS phone_country_unknown,
        phone.id AS phone_from
    FROM newest
    LEFT JOIN {_newest("customer_name", "booksync_trim({}) <> ''")} AS name ON true
    LEFT JOIN {_newest("customer_phone", "booksync_trim({}) <> ''")} AS phone ON true
    LEFT JOIN {_newest("customer_country_code", "booksync_country({}) IS NOT NULL")} AS country ON true
    LEFT JOIN {_newest("customer_timezone", "booksync_zone({}) IS NOT NULL")} AS zone ON true
    ORDER BY newest.user_id, zoho_id
"""  # noqa: S608 - made of constants


# : The other copies of some customers' phones: each pair of text and country once, from its newest copy.
_OTHER_PHONES: Final = f"""
    SELECT customer.user_id, customer.zoho_id, copy.id, phone, country, country_unknown
    FROM unnest(%(users)s::{{{{user_id}}}}[], %(zoho_ids)s::text[]) AS customer (user_id, zoho_id)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (phone, country, country_unknown)
            id, booksync_trim(customer_phone) AS phone, booksync_country(customer_country_code) AS country,
            'customer_country_code' = ANY(booksync_unfit(customer_country_code, NULL)) AS country_unknown,
            updated_at, zoho_last_modified_at
        FROM invoices_cache
        WHERE (user_id, {ZOHO_ID}) = (customer.user_id, customer.zoho_id) AND booksync_trim(customer_phone) <> ''
        ORDER BY phone, country, country_unknown, {NEWEST_FIRST}
    ) AS copy
    ORDER BY {NEWEST_FIRST}
"""  # noqa: S608 - made of constants


_MAKE: Final = """
    WITH chosen AS (
        SELECT * FROM unnest(
            %(users)s::{{user_id}}[], %(zoho_ids)s::text[], %(invoices)s::uuid[], %(names)s::text[], %(phones)s::text[],
            %(problems)s::text[], %(verdicts)s::jsonb[], %(countries)s::text[], %(zones)s::text[], %(winners)s::jsonb[]
        ) AS described (
            user_id, zoho_id, invoice_id, name, phone, problem, verdict, country, zone, winners
        )
    ), made AS (
        INSERT INTO customers_cache AS customer (
            user_id, zoho_customer_id, customer_name, primary_phone, phone_problem, phone_verdict, country_code,
            time_zone
        )
        SELECT user_id, zoho_id, name, phone, problem, verdict, country, zone FROM chosen ORDER BY user_id, zoho_id
        ON CONFLICT (user_id, zoho_customer_id) DO NOTHING
        RETURNING id, user_id, zoho_customer_id, customer
    ), linked AS (
        UPDATE invoices_cache AS invoice SET customer_id = made.id
        FROM made JOIN chosen ON (chosen.user_id, chosen.zoho_id) = (made.user_id, made.zoho_customer_id)
        WHERE invoice.id = chosen.invoice_id
        RETURNING
            invoice.*, winners, booksync_merged(
                invoice.customer_name, invoice.customer_phone, customer_country_code, customer_timezone, customer
            ) AS lost
    ), accounted AS (
        INSERT INTO migration_receipt (
            table_name, row_id, user_id, customer_id, outcome, won_by, winners, made_customer, recorded_by,
            legacy, merged, unfit
        )
        SELECT
            'invoices_cache', id, user_id, customer_id, CASE WHEN lost = '{}' THEN 'moved' ELSE 'merged' END,
            id, winners, true, 'backfill',
            booksync_copy(customer_name, customer_phone, customer_country_code, customer_timezone),
            lost, booksync_unfit(customer_country_code, customer_timezone)
        FROM linked
    )
    SELECT count(*) FROM linked
"""


def _make_customers(connection: Raw, position: Any) -> tuple[int, Any]:
    user, zoho_id = position or [_FIRST_USER[user_id_type(connection)], ""]
    with connection.cursor(row_factory=class_row(_Described)) as cursor:
        described = cursor.execute(
            with_user_id_type(connection, _DESCRIBE).encode(), {"user": user, "zoho_id": zoho_id}
        ).fetchall()
    if not described:
        return 0, None
    made = _make(connection, [customer for customer in described if customer.is_fit])
    return made, [str(described[-1].user_id), described[-1].zoho_id]


def _make(connection: Raw, customers: Sequence[_Described]) -> int:
    newest = {customer.key: (copy, customer.country) for customer in customers if (copy := customer.phone_copy)}
    chosen = choose_phones(newest, partial(_other_phones, connection), phone_rule())
    phones = [chosen.get(customer.key) for customer in customers]
    row = connection.execute(
        with_user_id_type(connection, _MAKE).encode(),
        {
            "users": [customer.user_id for customer in customers],
            "zoho_ids": [customer.zoho_id for customer in customers],
            "invoices": [customer.invoice_id for customer in customers],
            "names": [customer.name or "" for customer in customers],
            "phones": [phone and phone.stored for phone in phones],
            "problems": [phone and phone.problem for phone in phones],
            "verdicts": [Jsonb(phone.verdict_as_json if phone else {}) for phone in phones],
            "countries": [customer.country for customer in customers],
            "zones": [customer.zone for customer in customers],
            "winners": [Jsonb(customer.winners(phone)) for customer, phone in zip(customers, phones, strict=True)],
        },
    ).fetchone()
    assert row is not None
    made: int = row[0]
    return made


def _other_phones(connection: Raw, keys: Sequence[CustomerKey]) -> Mapping[CustomerKey, Sequence[PhoneCopy]]:
    """All copies of these customers' phones, the newest first."""
    users, zoho_ids = [user for user, _ in keys], [zoho_id for _, zoho_id in keys]
    copies: dict[CustomerKey, list[PhoneCopy]] = {key: [] for key in keys}
    statement = with_user_id_type(connection, _OTHER_PHONES).encode()
    for user, zoho_id, *copy in connection.execute(statement, {"users": users, "zoho_ids": zoho_ids}):
        copies[user, zoho_id].append(PhoneCopy(*copy))
    return copies
