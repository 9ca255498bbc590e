"""Promises of workers/vault.py: what is stored cannot be read without a key, and keys can be replaced."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from workers.vault import UnreadableSecretError, Vault


def a_key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


VAULT = Vault([a_key()])


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_a_secret_comes_back_as_it_was(secret: str) -> None:
    assert VAULT.decrypt(VAULT.encrypt(secret)) == secret


def test_nothing_of_a_secret_shows() -> None:
    key = a_key()
    vault = Vault([key])
    assert "1000.refresh" not in vault.encrypt("1000.refresh")
    assert key.get_secret_value() not in repr(vault)


def test_the_same_secret_never_looks_the_same() -> None:
    assert VAULT.encrypt("1000.refresh") != VAULT.encrypt("1000.refresh")


def test_a_new_key_goes_in_front_and_the_old_one_still_reads() -> None:
    old, new = a_key(), a_key()
    stored = Vault([old]).encrypt("1000.refresh")
    assert Vault([new, old]).decrypt(stored) == "1000.refresh"


def test_the_newest_key_encrypts_so_that_the_old_one_can_go() -> None:
    old, new = a_key(), a_key()
    stored = Vault([new, old]).encrypt("1000.refresh")
    assert Vault([new]).decrypt(stored) == "1000.refresh"


@pytest.mark.parametrize(
    "stored",
    [Vault([a_key()]).encrypt("1000.refresh"), "", "not encrypted", "ü"],
    ids=["another key's", "empty", "not encrypted", "not ASCII"],
)
def test_what_no_key_fits_says_what_to_do(stored: str) -> None:
    with pytest.raises(UnreadableSecretError, match="put that key back") as unreadable:
        VAULT.decrypt(stored)
    assert unreadable.value.__suppress_context__
