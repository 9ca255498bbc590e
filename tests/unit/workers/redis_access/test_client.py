"""Promises of workers/redis_access/client.py: how long a process insists on Redis, and how it names it."""

import pytest
import redis

from sandbox.servers.ports import free_port
from workers.redis_access import new_redis_client
from workers.redis_access.addresses import redis_address

#: Longer than a restart of Redis takes.
A_RESTART_SECONDS = 30


def seconds_of_patience(*, patient: bool) -> float:
    """How long a client goes on, where Redis refuses its connections at once."""
    retry = new_redis_client("redis://redis.example:6379/0", patient=patient).get_retry()
    assert retry is not None
    return sum(retry._backoff.compute(failures) for failures in range(retry.get_retries()))


def test_a_worker_rides_out_a_restart() -> None:
    assert seconds_of_patience(patient=True) >= A_RESTART_SECONDS


def test_who_lets_somebody_wait_gives_up_soon() -> None:
    assert 0 < seconds_of_patience(patient=False) < 1


def test_a_client_connects_when_it_is_first_used() -> None:
    client = new_redis_client(f"redis://127.0.0.1:{free_port()}/0", patient=False)
    with client, pytest.raises(redis.ConnectionError):
        client.ping()


@pytest.mark.parametrize("patient", [True, False])
def test_no_command_waits_for_ever(patient: bool) -> None:
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
def test_an_address_is_told_without_its_password(url: str, address: str) -> None:
    assert redis_address(url) == address
