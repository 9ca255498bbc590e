"""The caches: customers and invoices from Zoho, and what people said about their numbers."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Date, ForeignKey, Index, Integer, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import SHARED, Base, CreatedAt, Id, Moment
from db.models.users import User
from domain.users import UserId

_UNCONFIRMED = "status <> 'deleted' AND primary_phone IS NOT NULL AND NOT phone_verdict @> '{\"confirmed\": true}'"

#: The indexes of the numbers that a person should check (db/doubtful_numbers.py), with their conditions.
_DOUBTFUL_NUMBERS = {
    "ix_customers_cache_objection": f"{_UNCONFIRMED} AND (phone_problem IS NOT NULL"
    " OR phone_verdict ->> 'not_callable' IS NOT NULL"
    " OR phone_verdict ->> 'kind' IN ('premium_rate', 'shared_cost', 'pager', 'voicemail')"
    " OR phone_verdict -> 'doubts' ->> 0 IS NOT NULL)",
    "ix_customers_cache_assumed": f"{_UNCONFIRMED} AND phone_problem IS NULL"
    " AND phone_verdict ->> 'assumed_country' IS NOT NULL",
}
#: The customer's names, without the characters that full-text search takes for parts of a word.
_WORDS = (
    "to_tsvector('simple'::regconfig, "
    "translate((customer_name || ' '::text) || company_name, './@-_&+'::text, ',,,,,,,'::text))"
)
#: The digits of the customer's number, the last one first.
_DIGITS = "\"left\"(reverse(regexp_replace(primary_phone, '[^0-9]'::text, ''::text, 'g'::text)), 40)"
_BEGINNING = '"left"(lower({}), 200)'


class CachedCustomer(Base):
    """A Zoho contact that is a customer (FR-1: one row per customer).

    `primary_phone` is in E.164 unless `phone_problem` is set.
    """

    __tablename__ = "customers_cache"
    __table_args__ = (
        UniqueConstraint("user_id", "zoho_customer_id"),
        Index(None, "connection_id"),
        Index(
            "ix_customers_cache_country_unknown",
            "connection_id",
            postgresql_where=text("country_unknown IS NOT NULL"),
        ),
        Index(
            "ix_customers_cache_no_phone",
            "connection_id",
            "status",
            postgresql_where=text(
                "(status <> 'deleted' AND primary_phone IS NOT NULL AND phone_problem IS NULL) IS NOT TRUE"
            ),
        ),
        Index(
            "ix_customers_cache_valid_phone", "user_id", "primary_phone", postgresql_where=text("phone_problem IS NULL")
        ),
        *(
            Index(name, "connection_id", "zoho_customer_id", postgresql_where=text(condition))
            for name, condition in _DOUBTFUL_NUMBERS.items()
        ),
        # These indexes have COLLATE "C", which Alembic does not compare.
        Index("ix_customers_cache_by_name", "connection_id", text(_BEGINNING.format("customer_name")), "id"),
        Index("ix_customers_cache_words", text(_WORDS), postgresql_using="gin"),
        Index(
            "ix_customers_cache_email",
            text(_BEGINNING.format("primary_email")),
            postgresql_where=text("primary_email IS NOT NULL"),
        ),
        Index("ix_customers_cache_phone_digits", text(_DIGITS), postgresql_where=text("primary_phone IS NOT NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    connection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("zoho_connections.id"))
    zoho_customer_id: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    customer_name: Mapped[str] = mapped_column(server_default="")
    company_name: Mapped[str] = mapped_column(server_default="")
    primary_contact_person_id: Mapped[str | None]
    primary_phone: Mapped[str | None]
    phone_problem: Mapped[str | None]
    phone_not_callable: Mapped[str | None]  #: why a valid number is not called (`domain.phones.NotCallable`)
    #: The source of `primary_phone` (raw, person_id, source) and the findings (region, kind, problem) with the edition
    #: of the phone metadata. If the metadata has a newer edition, the number is judged again.
    phone_verdict: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    primary_email: Mapped[str | None]
    contact_persons: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    #: The bulk list lacks some of the customer's persons, or has another primary person, as a detail call has
    #: confirmed. While the list row stays the same, omissions and contradictions of the bulk list are ignored.
    bulk_omits_persons: Mapped[bool] = mapped_column(server_default=text("false"))
    country_code: Mapped[str | None]  #: the country (ISO 3166-1 alpha-2), which only a detail response has
    country_unknown: Mapped[str | None]  #: Zoho's text for the country, if booksync does not recognise it
    time_zone: Mapped[str | None]  #: the time zone: the number's single zone, else the organisation's
    #: Every possible time zone of the number. NULL: not determined yet; reminders are held back until then.
    time_zones: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    #: The weekdays of rest of the country; 0 is Monday.
    rest_days: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    address_state: Mapped[str | None]  #: the state and postcode as given; NULL: the address was never read
    address_postcode: Mapped[str | None]
    unused_credits: Mapped[Decimal | None] = mapped_column(Numeric)
    credits_currency: Mapped[str | None]
    payment_reminder_enabled: Mapped[bool | None]  #: Zoho's own reminder switch; only a detail response has it
    switch_asked_at: Mapped[Moment | None]  #: when a run last requested details that it could not read
    #: The modified time of the version whose details were requested, the epoch if Zoho gave none.
    asked_version: Mapped[Moment | None]
    gone_at: Mapped[Moment | None]  #: the server's time of a 404 for its id; a later read clears it
    details_observed_at: Mapped[Moment | None]  #: the server's time of the customer's last detail response
    truth_checked_at: Mapped[Moment | None]  #: when a truth check last requested the customer, whatever the result
    zoho_last_modified_at: Mapped[Moment | None]
    observed_at: Mapped[Moment | None]  #: the server's time of the earliest response that this row was made from
    sync_hash: Mapped[str] = mapped_column(server_default="")
    local_last_synced_at: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class PhoneConfirmation(Base):
    """A person's confirmation that a phone text in Zoho means this number, and that the number may be called.

    The confirmation is valid for that text only.
    """

    __tablename__ = "phone_confirmations"

    customer_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("customers_cache.id", ondelete="CASCADE"), primary_key=True
    )
    phone_text: Mapped[str] = mapped_column(primary_key=True)  #: the phone text in Zoho
    phone: Mapped[str]  #: the number in E.164
    note: Mapped[str]
    confirmed_at: Mapped[CreatedAt]


class CachedInvoice(Base):
    """A Zoho invoice, linked to its customer (FR-3).

    At the time `plan_at` the invoice's reminders are planned again; NULL means never.
    """

    __tablename__ = "invoices_cache"
    __table_args__ = (
        UniqueConstraint("user_id", "zoho_invoice_id"),
        Index(None, "connection_id"),
        Index(None, "customer_id"),
        Index(
            "ix_invoices_cache_invoice_number",
            text("lower(btrim(invoice_number))"),
            postgresql_where=text("connection_id IS NOT NULL"),
        ),
        Index(
            "ix_invoices_cache_zoho_invoice_id",
            "zoho_invoice_id",
            postgresql_where=text("connection_id IS NOT NULL"),
        ),
        Index(
            "ix_invoices_cache_owed",
            "connection_id",
            "customer_id",
            postgresql_where=text("coalesce(nullif(balance, 'NaN'), 0) > 0"),
        ),
        Index(
            "ix_invoices_cache_not_live", "connection_id", postgresql_where=text("(status <> 'deleted') IS NOT TRUE")
        ),
        Index("ix_invoices_cache_plan_at", "connection_id", "plan_at", postgresql_where=text("plan_at IS NOT NULL")),
        Index(
            "ix_invoices_cache_not_reminded",
            "connection_id",
            "plan_outcome",
            text("coalesce(due_date, 'infinity')"),
            "id",
            postgresql_where=text("plan_outcome <> 'scheduled'"),
        ),
        SHARED,
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    connection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("zoho_connections.id"))
    zoho_invoice_id: Mapped[str]
    zoho_customer_id: Mapped[str | None]
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customers_cache.id"))
    invoice_number: Mapped[str | None]
    status: Mapped[str | None]
    date: Mapped[dt.date | None] = mapped_column(Date)
    due_date: Mapped[dt.date | None] = mapped_column(Date)
    expected_payment_date: Mapped[dt.date | None] = mapped_column(Date)
    total: Mapped[Decimal | None] = mapped_column(Numeric)
    balance: Mapped[Decimal | None] = mapped_column(Numeric)
    currency_code: Mapped[str | None]
    ach_payment_initiated: Mapped[bool | None]
    unprocessed_payment: Mapped[Decimal | None] = mapped_column(Numeric)
    sub_status: Mapped[str | None]
    payment_reminder_enabled: Mapped[bool | None]  #: the invoice's own reminder switch in Zoho; only details have it
    #: The version whose details were requested, as in CachedCustomer.asked_version.
    asked_version: Mapped[Moment | None]
    #: When a truth check last requested the invoice, as in CachedCustomer.truth_checked_at.
    truth_checked_at: Mapped[Moment | None]
    gone_at: Mapped[Moment | None]  #: the server's time of a 404 for its id; a later read clears it
    zoho_last_modified_at: Mapped[Moment | None]
    observed_at: Mapped[Moment | None]
    sync_hash: Mapped[str] = mapped_column(server_default="")
    plan_at: Mapped[Moment | None]  #: when planning is due; NULL: not before something changes
    #: The result of the last planning: "scheduled", or the reason against a reminder. NULL for a closed invoice, and
    #: for one that was never planned.
    plan_outcome: Mapped[str | None]
    local_last_synced_at: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class DoNotCall(Base):
    """A phone number that is not called for any connection of the user."""

    __tablename__ = "do_not_call"

    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    phone: Mapped[str] = mapped_column(primary_key=True)  #: the number in E.164
    note: Mapped[str | None]
    added_at: Mapped[CreatedAt]


class WaitingInvoice(Base):
    """An invoice that waits because its customer is not cached (FR-7: skipped until then).

    The row has all facts of the invoice. When the customer is cached, the invoice moves to invoices_cache.
    """

    __tablename__ = "waiting_invoices"
    __table_args__ = (
        UniqueConstraint("connection_id", "zoho_invoice_id"),
        Index(None, "connection_id", "zoho_customer_id"),
        Index("ix_waiting_invoices_number", text("lower(btrim(invoice ->> 'number'))")),
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    zoho_invoice_id: Mapped[str]
    zoho_customer_id: Mapped[str]
    reason: Mapped[str]
    is_open: Mapped[bool]
    invoice: Mapped[dict[str, Any]]
    observed_at: Mapped[Moment]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
