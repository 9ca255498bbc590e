"""Legacy rows as years of use leave them, made up by hypothesis."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from db.migrations.vocabulary import NO_ID_WORDS, PUNCTUATION
from tests.integration.migrations.applications import Database

#: Blank for every script, and two that only look so.
BLANKS = (
    " \t\n\r\f\v\x1c\x1d\x1e\x1f\x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200C)))
    + ("\u2028\u2029\u202f\u205f\u3000\ufeff")
)

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
_IDS = ["C1", " C1 ", "\u00a0C1\t", "C2", "c2", "客户", "7018", "7018.0", " 7018.0 ", "460000000026049"]
_NO_IDS = [
    "",
    " ",
    "\u2003\u3000",
    None,
    "null",
    " NULL ",
    "<null>",
    "None",
    "undefined",
    "NaN",
    "#N/A",
    "0",
    "0.0",
    "-",
]
_SPREADSHEET_IDS = ["7.018E+03", "4,6e17", "7,018", "7018.5", "460000000026049024.0", '="7018"', "#REF!"]
_CUSTOMERS = st.sampled_from(_IDS) | st.sampled_from(_NO_IDS) | st.sampled_from(_SPREADSHEET_IDS) | _TEXT
_NAMES = st.sampled_from(["Ada Byron", "Ada  Byron", "Çelik & Söhne", "Zoë 🦊", "", " ", None]) | _TEXT
_PHONES = (
    st.sampled_from(
        ["+442070313000", "+44 20 7031-3000", "020 7031 3000", "n/a", "+4420703130.0", "null", "", " ", None]
    )
    | _TEXT
)
_COUNTRIES = st.sampled_from(["GB", "gb", " uk ", "DE", "ZZ", "+44", "United Kingdom", "Áo", "NULL", "", None]) | _TEXT
_ZONES = (
    st.sampled_from(["Europe/London", "europe/paris", "UTC", " Asia/Calcutta ", "US/Pacific-New", "IST", "EST", "GB"])
    | st.sampled_from(["India Standard Time", "Mars/Phobos", "GMT+25", "GMT+05:30", "null", "", None])
    | _TEXT
)
_DAYS = st.dates(date(2019, 1, 1), date(2027, 1, 1)) | st.none()
_MOMENTS = st.sampled_from([datetime(2026, 3, day, 9, 30, 0, 123456, UTC) for day in (1, 2, 3)])
_AMOUNTS = st.decimals(0, 10**9, places=3) | st.sampled_from([Decimal("1.10"), Decimal("NaN")]) | st.none()


@dataclass(frozen=True, slots=True)
class LegacyInvoice:
    owner: int  #: 0 and 1 are users, 2 is unknown
    customer: str | None
    copy: tuple[str | None, ...]  #: name, phone, country code, time zone
    rest: tuple[Any, ...]  #: status, due date, total
    modified_at: datetime | None
    updated_at: datetime
    reminders: tuple[str | None, ...] = ()  #: their phones
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def zoho_id(self) -> str:
        return re.sub(r"\A([1-9][0-9]{0,14})\.0\Z", r"\1", (self.customer or "").strip(BLANKS))

    @property
    def is_linkable(self) -> bool:
        return self.owner < 2 and _is_id(self.zoho_id)


def _is_id(text: str) -> bool:
    word = text.strip(PUNCTUATION).lower()
    if not word or word in NO_ID_WORDS:
        return False
    if re.fullmatch(r"[0-9]+", text):
        return int(text) > 0
    looks_like_a_number = re.fullmatch(r"[-+]?[0-9][0-9.,'\u2019\u00a0\u202f ]*([eE][-+]?[0-9]+)?", text)
    return not looks_like_a_number and text[0] != "=" and text.lower() not in _ERRORS


#: What a spreadsheet shows for a formula that fails.
_ERRORS = {"#ref!", "#value!", "#name?", "#num!", "#div/0!"}

INVOICES = st.lists(
    st.builds(
        LegacyInvoice,
        owner=st.sampled_from([0, 0, 1, 2]),
        customer=_CUSTOMERS,
        copy=st.tuples(_NAMES, _PHONES, _COUNTRIES, _ZONES),
        rest=st.tuples(_TEXT | st.none(), _DAYS, _AMOUNTS),
        modified_at=_MOMENTS | st.none(),
        updated_at=_MOMENTS,
        reminders=st.lists(_PHONES, max_size=2).map(tuple),
        id=st.uuids(version=4),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda invoice: invoice.id,
)


#: What the legacy application writes later: to which invoice, for which customer, with which copy.
REWRITES = st.lists(
    st.tuples(st.integers(0, 24), _CUSTOMERS, st.tuples(_NAMES, _PHONES, _COUNTRIES, _ZONES)), max_size=12
)


def rewrite(database: Database, invoice: LegacyInvoice, customer: str | None, copy: tuple[str | None, ...]) -> None:
    database.legacy_rows(
        """
        UPDATE invoices_cache SET
            zoho_customer_id = %s, customer_name = %s, customer_phone = %s, customer_country_code = %s,
            customer_timezone = %s
        WHERE id = %s
        """,
        *(customer, *copy, invoice.id),
    )


def write(database: Database, invoices: list[LegacyInvoice]) -> None:
    users = [database.a_user(), database.a_user(), uuid.uuid4()]
    with database.connection.transaction():
        # As a database without foreign keys, where a user's rows outlive him.
        database.rows("SET LOCAL session_replication_role = replica")
        for number, invoice in enumerate(invoices):
            database.rows(
                """
                INSERT INTO invoices_cache (
                    id, user_id, zoho_invoice_id, zoho_customer_id, customer_name, customer_phone,
                    customer_country_code, customer_timezone, status, due_date, total, zoho_last_modified_at, updated_at
                ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                *(invoice.id, users[invoice.owner], str(number), invoice.customer, *invoice.copy, *invoice.rest),
                *(invoice.modified_at, invoice.updated_at),
            )
            for step, phone in enumerate(invoice.reminders):
                database.rows(
                    """
                    INSERT INTO reminders (user_id, invoice_id, step, phone, scheduled_at)
                    VALUES (%s, %s, %s, %s, now())
                    """,
                    *(users[invoice.owner], invoice.id, step, phone),
                )
