"""One value of Zoho's JSON at a time (API section 3)."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic_core import PydanticCustomError

from tests.tables import table
from workers.zoho import fields

UTC = dt.UTC
BERLIN = ZoneInfo("Europe/Berlin")


@table(
    ("value", "identity"),
    [
        ("460000000026049", "460000000026049"),
        # Numbers in some documents; 18 digits are more than a float holds.
        (460000000000026049, "460000000000026049"),
        (" 4600 ", "4600"),
        ("cust_1-a", "cust_1-a"),
        (0, "0"),
        # Values that are not ids.
        ("", None),
        ("  ", None),
        (None, None),
        (True, None),
        (-1, None),
        (Decimal("1.5"), None),
        (["1"], None),
        ("1" * 65, None),
        # In a path these would address another resource.
        ("1/../2", None),
        ("..", None),
        ("1?x=2", None),
        ("contactpersons", None),
        ("１２", None),
        # Numbers and dates of other columns.
        ("1e400", None),
        ("-1", None),
        ("2026-02-30", None),
    ],
)
def test_ids(value: object, identity: str | None) -> None:
    assert fields.record_id(value) == identity


@table(
    ("value", "text"),
    [
        # Kept unchanged, including blanks, quotes and line feeds.
        ("  Bowman  and Co ", "  Bowman  and Co "),
        ('"will"\n@example.com', '"will"\n@example.com'),
        ("東京 🗼", "東京 🗼"),
        ("", ""),
        (None, ""),
        # Values that Postgres refuses.
        ("Wi\x00ll", "Will"),
        ("half a pair: \ud83d", "half a pair: ?"),
        # A phone sent as a number.
        (9773000000, "9773000000"),
        (Decimal("1.5"), "1.5"),
        # Unknown values.
        (True, ""),
        ([], ""),
        ({"a": "b"}, ""),
        ("x" * 10_001, ""),
    ],
)
def test_soft_texts(value: object, text: str) -> None:
    assert fields.soft_text(value) == text


@pytest.mark.parametrize("value", [True, [], {}, "x" * 10_001])
def test_strict_texts_refuse_values_that_are_not_texts(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.strict_text(value)


def test_words_are_lower_case() -> None:
    assert fields.word(" Partially_Paid ") == "partially_paid"


@table(
    ("value", "flag"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("False", False),
        (1, True),
        (0, False),
        ("1", True),
        (" 0", False),
        (None, None),
        ("", None),
        (2, None),
        (-1, None),
        ("10", None),
        ([], None),
        ({}, None),
    ],
)
def test_flags(value: object, flag: bool | None) -> None:
    assert fields.soft_flag(value) is flag


@table(
    ("value", "moment"),
    [
        ("2013-10-07T18:24:51+0530", dt.datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC)),
        ("2013-10-07T18:24:51-0700", dt.datetime(2013, 10, 8, 1, 24, 51, tzinfo=UTC)),
        # Not Zoho's form, but unambiguous.
        ("2013-10-07T18:24:51Z", dt.datetime(2013, 10, 7, 18, 24, 51, tzinfo=UTC)),
        ("2013-10-07T18:24:51+05:30", dt.datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC)),
        ("2013-10-07 18:24:51+0530", dt.datetime(2013, 10, 7, 12, 54, 51, tzinfo=UTC)),
        # Without an offset it is the organisation's time, here Berlin.
        ("2026-11-19T15:06:24", dt.datetime(2026, 11, 19, 14, 6, 24, tzinfo=UTC)),
        ("2026-07-19 15:06:24", dt.datetime(2026, 7, 19, 13, 6, 24, tzinfo=UTC)),
        ("2013-10-07T18:24:51.123+0530", dt.datetime(2013, 10, 7, 12, 54, 51, 123000, tzinfo=UTC)),
        ("", None),
        (" ", None),
        (None, None),
    ],
)
def test_times(value: object, moment: dt.datetime | None) -> None:
    assert fields.moment(value, BERLIN) == moment


@table(
    "value",
    [
        "07 Oct 2013",  # display text
        "2013-10-07",  # a date
        "2013-10-07T18:24",
        "2013-02-30T18:24:51+0530",
        "2013-10-07T18:24:60+0530",
        "0001-01-01T00:00:00+0530",  # before the first year, in UTC
        "2013-10-07T18:24:51+9900",
        1381150491,
        True,
        [],
    ],
)
def test_broken_times_are_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.moment(value, BERLIN)


def test_time_without_an_offset_is_refused_while_the_zone_is_unknown() -> None:
    with pytest.raises(PydanticCustomError, match="without its offset"):
        fields.moment("2026-11-19T15:06:24")


@table(
    ("value", "day"),
    [
        ("2026-10-01", dt.date(2026, 10, 1)),
        # With a time behind it; the offset moves no date.
        ("2026-12-10T00:00:00+0000", dt.date(2026, 12, 10)),
        ("2026-12-10 23:59:59", dt.date(2026, 12, 10)),
        # No date.
        ("", None),
        (None, None),
        ("0000-00-00", None),
        ("2026-02-30", None),
        ("01/10/2026", None),
        ("20261001", None),
        ("2026-W40-4", None),
        ("2026-10-01 or so", None),
    ],
)
def test_days(value: object, day: dt.date | None) -> None:
    assert fields.day(value) == day


@pytest.mark.parametrize("value", [20261001, True, [], {}])
def test_value_that_is_not_a_text_is_not_a_day(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.day(value)
    assert fields.soft_day(value) is None


@table(
    ("value", "amount"),
    [
        (Decimal("40.60"), "40.60"),
        (Decimal("-0.01"), "-0.01"),
        (Decimal("1E+3"), "1E+3"),
        (Decimal("12345678901234567890.12"), "12345678901234567890.12"),
        (250, "250"),
        ("250.50", "250.50"),
        # Grouped digits, as in hand-written amounts.
        ("1,234.50", "1234.50"),
        ("-1,234,567.5", "-1234567.5"),
        ("12,34,567.50", "1234567.50"),
    ],
)
def test_amounts_are_exact(value: object, amount: str) -> None:
    assert str(fields.amount(value)) == amount


@pytest.mark.parametrize("value", ["", " ", None])
def test_amounts_may_be_missing(value: object) -> None:
    assert fields.amount(value) is None


@table(
    "value",
    [
        "1,234",  # ambiguous
        "1.234,50",
        "12,34.50",
        ",234.50",
        "1,234,567,890,123,456,789,012.50",
        "€ 5",
        "abc",
        {},
        "NaN",
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),  # as an integer it would exhaust the memory
        Decimal("1E-999999"),
        Decimal("1E+20"),
        10**20,
        True,
        1.5,  # booksync's JSON reader returns no floats
        [],
    ],
)
def test_broken_amounts_are_refused(value: Any) -> None:
    with pytest.raises(PydanticCustomError):
        fields.amount(value)
