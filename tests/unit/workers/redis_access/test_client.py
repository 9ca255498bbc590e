"""Promises of redis_access/client.py: how long a client retries, and how an address is shown."""

import pytest
import redis

from sandbox.servers.ports import free_port
from workers.redis_access import new_redis_client
from workers.redis_access.addresses import redis_address

#: Longer than a restart of Redis takes.
A_RESTART_SECONDS = 30


def seconds_of_patience(*, patient: bool) -> float:
    """How long a client retries when Redis refuses connections at once."""
    retry = new_redis_client("redis://redis.example:6379/0", patient=patient).get_retry()
    assert retry is not None
    return sum(retry._backoff.compute(failures) for failures in range(retry.get_retries()))


def test_worker_retries_longer_than_a_restart_of_redis() -> None:
    assert seconds_of_patience(patient=True) >= A_RESTART_SECONDS


def test_impatient_client_gives_up_within_a_second() -> None:
    assert 0 < seconds_of_patience(patient=False) < 1


def test_client_connects_at_its_first_use() -> None:
    client = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
    with client, pytest.raises(redis.ConnectionError):
        client.ping()


@pytest.mark.parametrize("patient", [True, False])
def test_every_command_has_a_timeout(patient: bool) -> None:
    options = new_redis_client("redis://redis.example:6379/0", patient=patient).connection_pool.connection_kwargs
    assert 0 < options["socket_timeout"] <= 10
    assert 0 < options["socket_connect_timeout"] <= 10


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://redis.example:6380/2", "redis.example:6380"),
        ("redis://redis.example", "redis.example:6379"),
        ("rediss://user:secret@redis.example/0", "redis.example:6379"),
        ("redis://:secret@127.0.0.1:6379", "127.0.0.1:6379"),
        ("unix:///run/valkey.sock?db=1", "/run/valkey.sock"),
    ],
)
def test_address_is_shown_without_its_password(url: str, address: str) -> None:
    assert redis_address(url) == address
