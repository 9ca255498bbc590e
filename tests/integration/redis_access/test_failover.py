"""Promises of a client of Sentinels: it follows a failover, also in the middle of a command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.redis_access.servers import WatchedRedis, watched_redis
from workers.redis_access import new_redis_client


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    with watched_redis(tmp_path) as servers:
        yield servers


@pytest.mark.slow
def test_a_command_on_a_broken_connection_is_repeated_on_the_new_primary(watched: WatchedRedis) -> None:
    with new_redis_client(watched.url, patient=False) as client:
        connection = client.connection_pool.get_connection()
        watched.fail_over()
        # The client does the same after a failed read: it repeats the command on the same connection.
        connection.disconnect()
        connection.send_command("ROLE")
        assert connection.read_response()[0] == b"master"
        assert (connection.host, connection.port) == ("127.0.0.1", watched.replica.port)
        client.connection_pool.release(connection)
