"""Promises of secrets/passwords.py: what is stored of a password, and that a missing one costs the same work."""

from unittest.mock import patch

import pytest
from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY

from tests.cheap_passwords import PRODUCTION_HASHER
from workers.secrets.passwords import hash_password, is_password

PASSWORD = "correct horse"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def test_a_hash_costs_what_the_standard_recommends() -> None:
    for cost in ("type", "time_cost", "memory_cost", "parallelism"):
        assert getattr(PRODUCTION_HASHER, cost) == getattr(RFC_9106_LOW_MEMORY, cost)


def test_a_password_has_another_hash_each_time_and_fits_each() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second
    assert is_password(PASSWORD, first)
    assert is_password(PASSWORD, second)
    assert not is_password("wrong horse", first)


def test_both_encodings_of_a_letter_fit() -> None:
    assert is_password("cafe\u0301 au lait", hash_password("caf\u00e9 au lait"))


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_without_a_hash_no_password_fits(password: str) -> None:
    assert not is_password(password, None)


def test_a_damaged_hash_fits_no_password() -> None:
    assert not is_password(PASSWORD, "$argon2id$damaged")


def test_an_unknown_operator_costs_one_verification_as_a_known_one() -> None:
    known = hash_password(PASSWORD)
    with patch.object(PasswordHasher, "verify", autospec=True, side_effect=PasswordHasher.verify) as verify:
        for password_hash in (known, None):
            is_password("wrong horse", password_hash)
    hashes = [call.args[1] for call in verify.call_args_list]
    assert len(hashes) == 2
    # Algorithm, version and cost are equal.
    assert hashes[0].split("$")[:4] == hashes[1].split("$")[:4]
