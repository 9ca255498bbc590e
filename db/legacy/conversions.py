"""Types that ORMs declare by default where booksync needs another one, and the conversions in both directions."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from db.legacy.families import family


@dataclass(frozen=True, slots=True)
class Conversion:
    """Two SQL expressions over `{theirs}` and `{ours}`, the values; `{kind}` is the type of the application's column.

    An expression may also contain `{invoices}`, the invoices' table, and `{invoice_key}`, the application's key in it.
    """

    to_ours: str
    to_theirs: str


#: A key as a uuid. The same key always gives the same uuid, so a reference can be converted without its row.
_KEY: Final = (
    "CASE WHEN {theirs}::text ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'"
    " THEN {theirs}::text::uuid ELSE md5({theirs}::text)::uuid END"
)
#: A number comes from the application's own sequence, which fills the column before the trigger runs.
_NUMBER_KEY: Final = Conversion(_KEY, "{theirs}")
_TEXT_KEY: Final = Conversion(_KEY, "{ours}::text")
_INVOICE: Final = Conversion(
    _KEY, "(SELECT {invoice_key}::{kind} FROM {invoices} AS invoice WHERE invoice.id = {ours})"
)

#: A user's key where the application has one row for each user: the rows that booksync adds leave it empty.
ONE_ROW: Final = Conversion("{theirs}", "{theirs}")

#: booksync's word → the word to write where the application's ENUM lacks it.
_OTHER_WORDS: Final = (
    '\'{{"superseded": "cancelled", "cancelled": "canceled", "deleted": "void", "overdue": "sent", "unpaid": "sent",'
    ' "viewed": "sent", "partially_paid": "sent"}}\'::jsonb'
)
#: A label of the ENUM: the same word in any case, the word above, the label that the row has, or the first label.
_LABEL: Final = "(SELECT label FROM unnest(enum_range(NULL::{kind})) AS label WHERE lower(label::text) = "
_WORD: Final = Conversion(
    "lower({theirs}::text)",
    "CASE WHEN {ours} IS NOT NULL THEN coalesce("
    f"{_LABEL} lower({{ours}})), {_LABEL} {_OTHER_WORDS} ->> lower({{ours}})), {{theirs}}, "
    "(enum_range(NULL::{kind}))[1]) END",
)
_TIME_IN_UTC: Final = Conversion("{theirs} AT TIME ZONE 'UTC'", "({ours} AT TIME ZONE 'UTC')::{kind}")
_DATE: Final = Conversion("{theirs}::date", "{ours}::{kind}")
_DATE_IN_UTC: Final = Conversion(
    "({theirs} AT TIME ZONE 'UTC')::date", "({ours}::timestamp AT TIME ZONE 'UTC')::{kind}"
)
_AMOUNT: Final = Conversion("{theirs}::numeric", "{ours}::{kind}")


def conversion(wanted: sa.Column[Any], found: Any) -> Conversion | None:
    """The conversion of an application's column of the type `found`; None where booksync uses the column as it is.

    None is also the result if no conversion is known, so that the column does not fit.
    """
    kind = family(found)
    if isinstance(wanted.type, sa.Uuid) and wanted.name == "invoice_id":
        return _INVOICE if kind in (sa.TEXT, sa.Integer) else None
    if isinstance(wanted.type, sa.Uuid) and wanted.name == "id":
        return _TEXT_KEY if kind is sa.TEXT else _NUMBER_KEY if kind is sa.Integer else None
    if isinstance(wanted.type, sa.DateTime):
        return _TIME_IN_UTC if kind is sa.DateTime and not found.timezone else None
    if isinstance(wanted.type, sa.Date):
        times = _DATE_IN_UTC if getattr(found, "timezone", False) else _DATE
        return times if kind is sa.DateTime else None
    if isinstance(wanted.type, sa.Text):
        return _WORD if kind is sa.Enum and wanted.name == "status" else None
    if isinstance(wanted.type, sa.Numeric):
        return _AMOUNT if kind is sa.Float else None
    return None
