"""The watch over a worker's keys: Postgres is asked while they are not proven, and after a failed decryption."""

import uuid
from dataclasses import dataclass, field
from typing import cast

import pytest
from cryptography.fernet import Fernet
from dramatiq import Worker
from pydantic import SecretStr

from db.secrets import Place, SecretName
from workers.jobs.key_gate import KeyWatch, Proof
from workers.secrets.vault import UnreadableSecretError, Vault

PLACE = Place(SecretName.REFRESH_TOKEN, uuid.UUID(int=1))


@dataclass
class Watched:
    """A worker and its keys; `finds` are the results of the looks to come."""

    finds: list[Proof] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    broker: object = None
    vault: Vault = field(default_factory=lambda: Vault([SecretStr(Fernet.generate_key().decode())]))

    def pause(self) -> None:
        self.did.append("pause")

    def resume(self) -> None:
        self.did.append("resume")

    def look(self) -> Proof:
        self.did.append("look")
        return self.finds.pop(0)

    def after(self, last: Proof, *, ticks: int = 1) -> "KeyWatch":
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
    watched.after(Proof.PROVEN, ticks=3)
    assert watched.did == []


@pytest.mark.parametrize("last", [Proof.NOTHING_TO_READ, Proof.NO_DATABASE])
def test_keys_are_looked_at_until_they_are_proven(last: Proof) -> None:
    watched = Watched([Proof.NOTHING_TO_READ, Proof.NO_DATABASE, Proof.PROVEN])
    watched.after(last, ticks=5)
    assert watched.did == ["look"] * 3


def test_a_failed_decryption_is_a_reason_to_look_once() -> None:
    watched = Watched([Proof.PROVEN])
    watch = watched.after(Proof.PROVEN)
    watched.fail()
    watch.tick()
    watch.tick()
    assert watched.did == ["look"]


def test_wrong_keys_pause_the_worker_until_they_are_proven() -> None:
    watched = Watched([Proof.WRONG_KEYS, Proof.WRONG_KEYS, Proof.NO_DATABASE, Proof.PROVEN])
    watch = watched.after(Proof.PROVEN)
    watched.fail()
    for _ in range(5):
        watch.tick()
    assert watched.did == ["look", "pause", "look", "look", "look", "resume"]


def test_a_secret_that_can_be_read_is_no_reason_to_look() -> None:
    watched = Watched()
    watch = watched.after(Proof.PROVEN)
    assert watched.vault.decrypt(watched.vault.encrypt("secret", PLACE), PLACE) == "secret"
    watch.tick()
    assert watched.did == []
