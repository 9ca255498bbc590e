"""How one value of Zoho's JSON is read (API section 3): liberal in what is accepted, exact in what comes out.

Strict readers raise, so that a row whose meaning hangs on the value is set aside; soft readers give "nothing known", so
that a value that decides nothing costs no row. No message here quotes the value.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

#: Zoho's own longest text is a contact's notes, far below this.
MAX_TEXT_LENGTH = 10_000

_RECORD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: 1e400, -1 and 2026-02-30 are other columns' values. As ids they would become records that no list has again.
_NUMBER_OR_DATE = re.compile(r"[0-9]*[-eE][-0-9eE]*")
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_TIME = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}")
_DATE = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[T ]{_CLOCK})?")
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
#: 1,234.50 and 12,34,567.50, as India groups. Without the point a comma may be a decimal one, and money is not guessed.
_GROUPED_AMOUNT = re.compile(r"-?([0-9]{1,3}(,[0-9]{3}){1,6}|[0-9]{1,2}(,[0-9]{2}){1,8},[0-9]{3})\.[0-9]{1,20}")


def record_id(value: object) -> str | None:
    """An id as Zoho's records have them, from a string or a number; None for anything else.

    What is no such id must not get into a path: "1/../2" or "contactpersons" would ask for something else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not _RECORD_ID.fullmatch(text) or _NUMBER_OR_DATE.fullmatch(text):
        return None
    return text if any(character.isdigit() for character in text) else None


def soft_text(value: object) -> str:
    """A text as given, "" where there is none (null, a list, something endless)."""
    text = _text(value)
    return text if text is not None and len(text) <= MAX_TEXT_LENGTH else ""


def strict_text(value: object) -> str:
    """A text as given; null is "" (API section 3 wants both accepted)."""
    text = "" if value is None else _text(value)
    if text is None:
        raise PydanticCustomError("text", "is not a text")
    if len(text) > MAX_TEXT_LENGTH:
        raise PydanticCustomError("text", "is longer than any text of Zoho's")
    return text


def word(value: object) -> str:
    """A word of Zoho's vocabulary (a status, a type) in lower case."""
    return strict_text(value).strip().lower()


def soft_flag(value: object) -> bool | None:
    """A boolean, also as the text "true" or "false"; None where it is neither."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def moment(value: object, zone: dt.tzinfo | None = None) -> dt.datetime | None:
    """A time, to UTC; None for null and "".

    One without an offset is the organisation's own, where its `zone` is known. `Z`, `+05:30`, fractions and a blank for
    the T are understood as well.
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
    """A date as YYYY-MM-DD, also with a time behind it; None for null and any text that is no date: nothing is due."""
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("date", "is not a date")
    written = _DATE.fullmatch((value or "").strip())
    try:
        return dt.date.fromisoformat(written[1]) if written else None
    except ValueError:
        return None


def soft_day(value: object) -> dt.date | None:
    """A date that nothing but a reminder's moment hangs on: what is no text is None as well."""
    try:
        return day(value)
    except PydanticCustomError:
        return None


def amount(value: object) -> Decimal | None:
    """An amount of money, exactly as written, at most 20 digits on either side; None for null and "".

    Commas that group thousands are dropped where a point tells them from a decimal comma: "1,234.50".
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        # 1e999999999 is JSON too, and as a plain number it would fill the memory.
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
    """An amount by which a reminder is held back at most: anything that is none is None."""
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
    # Postgres takes neither NUL nor half of a surrogate pair, and JSON can write both.
    text = value.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


RecordId = Annotated[str, PlainValidator(_strict_id)]
OptionalId = Annotated[str, PlainValidator(_optional_id)]
SoftId = Annotated[str, PlainValidator(_soft_id)]
SoftText = Annotated[str, PlainValidator(soft_text)]
StrictText = Annotated[str, PlainValidator(strict_text)]
Word = Annotated[str, PlainValidator(word)]
SoftFlag = Annotated[bool | None, PlainValidator(soft_flag)]
Moment = Annotated[dt.datetime | None, PlainValidator(_moment)]  #: the context of the validation is the zone
Day = Annotated[dt.date | None, PlainValidator(day)]
SoftDay = Annotated[dt.date | None, PlainValidator(soft_day)]
Amount = Annotated[Decimal | None, PlainValidator(amount)]
SoftAmount = Annotated[Decimal | None, PlainValidator(soft_amount)]
