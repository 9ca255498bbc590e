"""Promises of domain/users.py: a person writes an id as text, and a text of another form is refused."""

import uuid

import pytest

from domain.users import UserId, UserIdType, WrongUserIdError, user_id_from
from tests.tables import table


@table(
    ("text", "kind", "expected"),
    [
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", UserIdType.UUID, uuid.UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")),
        # An id that looks like another type keeps the type of the column.
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", UserIdType.TEXT, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        ("007", UserIdType.TEXT, "007"),
        ("007", UserIdType.BIGINT, 7),
        ("-7", UserIdType.BIGINT, -7),
        ("9223372036854775807", UserIdType.BIGINT, 2**63 - 1),
        ("-9223372036854775808", UserIdType.BIGINT, -(2**63)),
    ],
)
def test_an_id_is_read_as_the_type_of_the_column(text: str, kind: UserIdType, expected: UserId) -> None:
    assert user_id_from(text, kind) == expected


@table(
    ("text", "kind"),
    [
        ("", UserIdType.UUID),
        ("7", UserIdType.UUID),
        ("", UserIdType.BIGINT),
        ("clx2k9q0a0000", UserIdType.BIGINT),
        ("7.0", UserIdType.BIGINT),
        ("1_000", UserIdType.BIGINT),
        # Digits of another script.
        ("٧", UserIdType.BIGINT),
        # One more than the largest bigint, and one less than the smallest.
        ("9223372036854775808", UserIdType.BIGINT),
        ("-9223372036854775809", UserIdType.BIGINT),
        ("", UserIdType.TEXT),
        # Postgres stores no NUL.
        ("a\0b", UserIdType.TEXT),
    ],
)
def test_a_text_of_another_form_is_refused(text: str, kind: UserIdType) -> None:
    with pytest.raises(WrongUserIdError):
        user_id_from(text, kind)
