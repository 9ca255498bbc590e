"""Promises of secrets/vault.py: stored secrets cannot be read without a key, and keys can be replaced."""

import uuid

import pytest
from cryptography.fernet import Fernet
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from db.secrets import Place, SecretName
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError, Vault


def a_key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


VAULT = Vault([a_key()])
PLACE = Place(SecretName.REFRESH_TOKEN, uuid.UUID(int=1))
OTHER_ROW = Place(SecretName.REFRESH_TOKEN, uuid.UUID(int=2))
OTHER_COLUMN = Place(SecretName.WEBHOOK_SECRET, uuid.UUID(int=1))
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
PLACES = st.builds(Place, st.sampled_from(SecretName), st.uuids())


def bound(secret: str, place: Place = PLACE) -> str:
    return VAULT.rotate(VAULT.encrypt(secret, place), place, bind=True)


@given(SECRETS)
def test_secret_is_decrypted_unchanged(secret: str) -> None:
    assert VAULT.decrypt(VAULT.encrypt(secret, PLACE), PLACE) == secret


def test_encrypted_text_shows_nothing_about_the_secret() -> None:
    key = a_key()
    vault = Vault([key])
    assert "1000.refresh" not in vault.encrypt("1000.refresh", PLACE)
    assert key.get_secret_value() not in repr(vault)


def test_equal_secrets_have_different_encrypted_texts() -> None:
    assert VAULT.encrypt("1000.refresh", PLACE) != VAULT.encrypt("1000.refresh", PLACE)


def test_new_key_comes_first_and_the_old_key_still_decrypts() -> None:
    old, new = a_key(), a_key()
    stored = Vault([old]).encrypt("1000.refresh", PLACE)
    assert Vault([new, old]).decrypt(stored, PLACE) == "1000.refresh"


def test_newest_key_encrypts_so_the_old_key_can_be_removed() -> None:
    old, new = a_key(), a_key()
    stored = Vault([new, old]).encrypt("1000.refresh", PLACE)
    assert Vault([new]).decrypt(stored, PLACE) == "1000.refresh"


@pytest.mark.parametrize(
    "stored",
    [Vault([a_key()]).encrypt("1000.refresh", PLACE), "", "not encrypted", "ü"],
    ids=["another key's", "empty", "not encrypted", "not ASCII"],
)
def test_secret_without_a_matching_key_names_the_next_step(stored: str) -> None:
    with pytest.raises(UnreadableSecretError, match="add that key") as unreadable:
        VAULT.decrypt(stored, PLACE)
    assert unreadable.value.__suppress_context__


@given(SECRETS, PLACES)
def test_bound_secret_is_decrypted_unchanged(secret: str, place: Place) -> None:
    assert VAULT.decrypt(bound(secret, place), place) == secret


@given(SECRETS, PLACES, PLACES)
def test_a_bound_secret_is_refused_at_every_other_place(secret: str, place: Place, other: Place) -> None:
    assume(place != other)
    with pytest.raises(MisplacedSecretError):
        VAULT.decrypt(bound(secret, place), other)


@pytest.mark.parametrize("other", [OTHER_ROW, OTHER_COLUMN], ids=["another row", "another column"])
def test_a_misplaced_secret_is_refused_by_name_without_its_value(other: Place) -> None:
    with pytest.raises(MisplacedSecretError) as refused:
        VAULT.decrypt(bound("1000.refresh"), other)
    assert f"The stored secret {other} was written for {PLACE}" in str(refused.value)
    assert "booksync connect" in str(refused.value)
    assert "1000.refresh" not in str(refused.value)


def test_a_misplaced_secret_is_not_bound_to_its_new_place_by_a_rotation() -> None:
    for bind in (True, False, None):
        with pytest.raises(MisplacedSecretError):
            VAULT.rotate(bound("1000.refresh"), OTHER_ROW, bind=bind)


def test_a_secret_is_written_in_the_old_form_which_older_releases_read() -> None:
    key = a_key()
    stored = Vault([key]).encrypt("1000.refresh", PLACE)
    assert Fernet(key.get_secret_value()).decrypt(stored) == b"1000.refresh"


@pytest.mark.parametrize(
    ("like", "is_bound"),
    [
        (None, False),
        (VAULT.encrypt("another", OTHER_ROW), False),
        (bound("another", OTHER_ROW), True),
        # The example does not decide, so the form that every release reads is used.
        (Vault([a_key()]).encrypt("another", OTHER_ROW), False),
        ("", False),
    ],
    ids=["no example", "old form", "bound form", "another key's", "empty"],
)
def test_rewritten_secret_has_the_form_of_the_example(like: str | None, is_bound: bool) -> None:
    stored = VAULT.encrypt("1000.refresh", PLACE, like=like)
    assert VAULT.is_bound(stored) is is_bound
    assert VAULT.decrypt(stored, PLACE) == "1000.refresh"


@pytest.mark.parametrize(("bind", "forms"), [(None, [False, True]), (True, [True, True]), (False, [False, False])])
def test_a_rotation_keeps_the_form_or_changes_it(bind: bool | None, forms: list[bool]) -> None:
    stored = [VAULT.encrypt("1000.refresh", PLACE), bound("1000.refresh")]
    rotated = [VAULT.rotate(each, PLACE, bind=bind) for each in stored]
    assert [VAULT.is_bound(each) for each in rotated] == forms
    assert {VAULT.decrypt(each, PLACE) for each in rotated} == {"1000.refresh"}


def test_no_unbound_secret_is_read_as_a_bound_one() -> None:
    with pytest.raises(ValueError, match="must not contain a NUL"):
        VAULT.encrypt(f"\0bound-1\0{PLACE}\0x", PLACE)
