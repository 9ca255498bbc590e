"""The watch over a worker's keys: Postgres is asked while they are not proven, and after a failed decryption."""

import uuid
from dataclasses import dataclass, field
from typing import cast

import pytest
from cryptography.fernet import Fernet
from dramatiq import Worker
from pydantic import SecretStr

from db.secrets import Place, SecretName
from workers.jobs.key_gate import KeyCheck, KeyWatch
from workers.secrets.vault import UnreadableSecretError, Vault

PLACE = Place(SecretName.REFRESH_TOKEN, uuid.UUID(int=1))


@dataclass
class Watched:
    """A worker and its keys; `finds` are the results of the looks to come."""

    finds: list[KeyCheck] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    broker: object = None
    vault: Vault = field(default_factory=lambda: Vault([SecretStr(Fernet.generate_key().decode())]))

    def pause(self) -> None:
        self.did.append("pause")

    def resume(self) -> None:
        self.did.append("resume")

    def look(self) -> KeyCheck:
        self.did.append("look")
        return self.finds.pop(0)

    def after(self, last: KeyCheck, *, ticks: int = 1) -> "KeyWatch":
        watch = KeyWatch(cast(Worker, self), self.vault, last, self.look)
        for _ in range(ticks):
            watch.tick()
        return watch

    def fail(self) -> None:
        """A stored secret was encrypted with a key of others."""
        other = Vault([SecretStr(Fernet.generate_key().decode())])
        with pytest.raises(UnreadableSecretError):
            self.vault.decrypt(other.encrypt("secret", PLACE), PLACE)


def test_proven_keys_are_not_looked_at_again() -> None:
    watched = Watched()
    watched.after(KeyCheck.PROVEN, ticks=3)
    assert watched.did == []


@pytest.mark.parametrize("last", [KeyCheck.NOTHING_TO_READ, KeyCheck.NO_DATABASE])
def test_keys_are_looked_at_until_they_are_proven(last: KeyCheck) -> None:
    watched = Watched([KeyCheck.NOTHING_TO_READ, KeyCheck.NO_DATABASE, KeyCheck.PROVEN])
    watched.after(last, ticks=5)
    assert watched.did == ["look"] * 3


def test_a_failed_decryption_is_a_reason_to_look_once() -> None:
    watched = Watched([KeyCheck.PROVEN])
    watch = watched.after(KeyCheck.PROVEN)
    watched.fail()
    watch.tick()
    watch.tick()
    assert watched.did == ["look"]


def test_wrong_keys_pause_the_worker_until_they_are_proven() -> None:
    watched = Watched([KeyCheck.WRONG_KEYS, KeyCheck.WRONG_KEYS, KeyCheck.NO_DATABASE, KeyCheck.PROVEN])
    watch = watched.after(KeyCheck.PROVEN)
    watched.fail()
    for _ in range(5):
        watch.tick()
    assert watched.did == ["look", "pause", "look", "look", "look", "resume"]


def test_a_secret_that_can_be_read_is_no_reason_to_look() -> None:
    watched = Watched()
    watch = watched.after(KeyCheck.PROVEN)
    assert watched.vault.decrypt(watched.vault.encrypt("secret", PLACE), PLACE) == "secret"
    watch.tick()
    assert watched.did == []
