"""Reads single values of Zoho's JSON: accepts several forms, returns exact values (API section 3: values).

Strict readers raise PydanticCustomError for an unusual value, so that its row is rejected. Soft readers return None or
"", so that an unimportant value does not reject its row. No error message of this module quotes the value.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

#: The longest text that is accepted. Zoho's own longest text is a contact's notes, which are far shorter.
MAX_TEXT_LENGTH = 10_000

_LONGEST_RECORD_ID = 64
_RECORD_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_RECORD_ID}}}")
#: The pattern of record ids. 1e400, -1 and 2026-02-30 are values of other columns; as ids they would become records
#: that no list returns.
_NUMBER_OR_DATE = re.compile(r"[0-9]*[-eE][-0-9eE]*")
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_TIME = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}")
_DATE = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[T ]{_CLOCK})?")
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
#: Amounts with thousands commas: 1,234.50 and 12,34,567.50, as India groups. Without a point a comma may be a decimal
#: comma, and money is not guessed.
_GROUPED_AMOUNT = re.compile(r"-?([0-9]{1,3}(,[0-9]{3}){1,6}|[0-9]{1,2}(,[0-9]{2}){1,8},[0-9]{3})\.[0-9]{1,20}")

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def record_id(value: object) -> str | None:
    """An id in the form of Zoho's record ids, from a string or a number; None for any other value.

    Other texts must not get into a URL's path: "1/../2" or "contactpersons" would read another resource.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        value = str(value)
    if not isinstance(value, str):
        return None
    if value.isdecimal() and value.isascii() and len(value) <= _LONGEST_RECORD_ID:
        return value  # most ids, quickly
    text = value.strip()
    if not _RECORD_ID.fullmatch(text) or _NUMBER_OR_DATE.fullmatch(text):
        return None
    return text if any(character.isdigit() for character in text) else None


def soft_text(value: object) -> str:
    """A text as it is, and a number as a text; any other value (null, a list, an oversized text) becomes ""."""
    text = _text(value)
    return text if text is not None and len(text) <= MAX_TEXT_LENGTH else ""


def strict_text(value: object) -> str:
    """A text as it is, a number as a text, and "" for null (API section 3). Other values raise PydanticCustomError."""
    text = "" if value is None else _text(value)
    if text is None:
        raise PydanticCustomError("text", "is not a text")
    if len(text) > MAX_TEXT_LENGTH:
        raise PydanticCustomError("text", "is longer than any text of Zoho's")
    return text


def word(value: object) -> str:
    """A fixed word of Zoho's (a status, a type) in lower case. Raises as `strict_text`."""
    return strict_text(value).strip().lower()


def soft_flag(value: object) -> bool | None:
    """A boolean, also from 1 and 0, and from the texts "true", "false", "1" and "0"; None for any other value."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get(str(value).strip().lower()) if isinstance(value, (int, str)) else None


def moment(value: object, zone: dt.tzinfo | None = None) -> dt.datetime | None:
    """A time in UTC from Zoho's text; None for null and "".

    A time without an offset is in the organisation's time zone `zone`; without `zone` it raises PydanticCustomError, as
    any other text does. `Z`, `+05:30`, fractions and a space instead of the T are understood too.
    """
    text = strict_text(value).strip()
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise PydanticCustomError("time", "is not a time")
    try:
        time = dt.datetime.fromisoformat(text)
        known = time if time.tzinfo else time.replace(tzinfo=zone)
        at = known.astimezone(dt.UTC) if known.tzinfo else None
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", "is a time that does not exist") from None
    if at is None:
        raise PydanticCustomError("time", "is a time without its offset")
    return at


def day(value: object) -> dt.date | None:
    """A date from YYYY-MM-DD, optionally with a time; None for null and any other text.

    Without a due date no reminder becomes due. A value that is not a text raises PydanticCustomError.
    """
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("date", "is not a date")
    written = _DATE.fullmatch((value or "").strip())
    try:
        return dt.date.fromisoformat(written[1]) if written else None
    except ValueError:
        return None


def soft_day(value: object) -> dt.date | None:
    """A date as `day` reads it, but None for a value that is not a text: the date only affects a reminder's moment."""
    try:
        return day(value)
    except PydanticCustomError:
        return None


def amount(value: object) -> Decimal | None:
    """An amount of money, exactly as written; None for null and "". Other values raise PydanticCustomError.

    The amount has at most 20 digits before and 20 digits after the decimal point. Thousands commas are removed only if
    there is a decimal point ("1,234.50"), because otherwise the comma may be a decimal comma.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        # 1e999999999 is valid JSON too, but as a plain number it would fill the memory.
        if isinstance(exponent, int) and -20 <= exponent <= 20 and value.adjusted() < 20:
            return value
    elif isinstance(value, (int, str)) and not isinstance(value, bool):
        text = str(value).strip()
        if _GROUPED_AMOUNT.fullmatch(text):
            text = text.replace(",", "")
        if _AMOUNT.fullmatch(text):
            return Decimal(text)
    raise PydanticCustomError("amount", "is not an amount")


def soft_amount(value: object) -> Decimal | None:
    """An amount as `amount` reads it, but None for any unusual value: the amount can only hold a reminder back."""
    try:
        return amount(value)
    except PydanticCustomError:
        return None


def _strict_id(value: object) -> str:
    identity = record_id(value)
    if identity is None:
        raise PydanticCustomError("id", "is not an id")
    return identity


def _moment(value: object, info: ValidationInfo) -> dt.datetime | None:
    return moment(value, info.context)


def _optional_id(value: object) -> str:
    return "" if value is None or value == "" else _strict_id(value)


def _soft_id(value: object) -> str:
    return record_id(value) or ""


def _text(value: object) -> str | None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return None
    # Postgres rejects NUL and unpaired surrogates, but JSON can contain both.
    text = value.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


RecordId = Annotated[str, PlainValidator(_strict_id)]
OptionalId = Annotated[str, PlainValidator(_optional_id)]
SoftId = Annotated[str, PlainValidator(_soft_id)]
SoftText = Annotated[str, PlainValidator(soft_text)]
StrictText = Annotated[str, PlainValidator(strict_text)]
Word = Annotated[str, PlainValidator(word)]
SoftFlag = Annotated[bool | None, PlainValidator(soft_flag)]
#: The context of the validation is the organisation's time zone.
Moment = Annotated[dt.datetime | None, PlainValidator(_moment)]
Day = Annotated[dt.date | None, PlainValidator(day)]
SoftDay = Annotated[dt.date | None, PlainValidator(soft_day)]
Amount = Annotated[Decimal | None, PlainValidator(amount)]
SoftAmount = Annotated[Decimal | None, PlainValidator(soft_amount)]
