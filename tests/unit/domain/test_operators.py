"""Promises of domain/operators.py: what each role includes, and which names and passwords are accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.operators import (
    OperatorNameError,
    OperatorPasswordError,
    Role,
    check_name,
    check_password,
    name_of,
    password_of,
)


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.OPERATOR, {Role.OPERATOR, Role.ACCOUNTANT, Role.VIEWER}),
        (Role.ACCOUNTANT, {Role.ACCOUNTANT, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_a_role_includes_the_roles_below_it(role: Role, included: set[Role]) -> None:
    assert {each for each in Role if role.includes(each)} == included


@pytest.mark.parametrize("name", ["ana", "Ana", " ana ", "ana.smith@example.com", "a" * 60, "7"])
def test_a_name_is_accepted(name: str) -> None:
    check_name(name_of(name))


@pytest.mark.parametrize(
    "name",
    [
        "",
        # reserved for CONSOLE_PASSWORD
        "operator",
        " Operator ",
        # blanks and signs
        "two words",
        "<script>",
        "-ana",
        "a\nb",
        "ana\u202e",
        # letters that look like others
        "\u0430na",
        "a" * 61,
    ],
)
def test_a_name_is_refused(name: str) -> None:
    with pytest.raises(OperatorNameError):
        check_name(name_of(name))


@given(st.text(max_size=20))
def test_names_in_other_letter_cases_are_one_name(name: str) -> None:
    assert name_of(name_of(name)) == name_of(name)


@given(st.text(max_size=40))
def test_a_password_of_fewer_than_12_characters_is_refused(password: str) -> None:
    if len(password.strip()) >= 12:
        check_password(password)
    else:
        with pytest.raises(OperatorPasswordError):
            check_password(password)


def test_a_password_of_more_than_1000_characters_is_refused() -> None:
    check_password("x" * 1000)
    with pytest.raises(OperatorPasswordError, match=r"12 to 1,000"):
        check_password("x" * 1001)


def test_both_encodings_of_a_letter_are_one_password() -> None:
    assert password_of("caf\u00e9") == password_of("cafe\u0301")
