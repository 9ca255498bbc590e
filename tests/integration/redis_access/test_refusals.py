"""Promises of refusals: each is recognised by its word, on a real server in that state, and names the next step."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from sandbox.servers import EmbeddedValkey
from sandbox.servers.ports import LOOPBACK, free_port
from tests.end_to_end.underway import eventually
from tests.integration.redis_access.looking import kind_at, look_at
from tests.integration.redis_access.servers import ClusterNode, SentinelNode, server_that_says
from tests.redis_document import sentinel_commands
from workers.redis_access.refusals import RefusalKind, refusal_of


@contextmanager
def the_administrator(server: EmbeddedValkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


def address(server: EmbeddedValkey, login: str) -> str:
    return f"redis://{login}@{LOOPBACK}:{server.port}/0"


def become_a_replica(client: redis.Redis) -> None:
    client.replicaof(LOOPBACK, free_port())


def become_a_writable_replica(client: redis.Redis) -> None:
    client.config_set("replica-read-only", "no")
    become_a_replica(client)


def become_full(client: redis.Redis) -> None:
    client.set("another program's", b"x" * 2**20)
    client.config_set("maxmemory", "1mb")


def want_replicas(client: redis.Redis) -> None:
    client.config_set("min-replicas-to-write", 1)


def want_a_password(client: redis.Redis) -> None:
    client.config_set("requirepass", "secret")


def deny_writes(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-set"])


def deny_keys(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, reset_keys=True, keys=["other:*"], commands=["+@all"])


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (become_a_replica, RefusalKind.READ_ONLY),
        (become_a_writable_replica, RefusalKind.WRITABLE_REPLICA),
        (become_full, RefusalKind.FULL),
        (want_replicas, RefusalKind.NO_REPLICAS),
        (want_a_password, RefusalKind.NO_PASSWORD),
        (deny_writes, RefusalKind.NO_PERMISSION),
        (deny_keys, RefusalKind.NO_PERMISSION),
    ],
)
def test_a_server_in_this_state_is_recognised(
    server: EmbeddedValkey, spoil: Callable[[redis.Redis], None], kind: RefusalKind
) -> None:
    assert kind_at(server.url) is None
    with the_administrator(server) as client:
        spoil(client)
    assert kind_at(server.url) is kind


def test_full_memory_is_reported_with_its_size(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        become_full(client)
    refusal = look_at(server.url).refusal
    assert refusal is not None
    assert re.fullmatch(r"is full \([2-9]\.\d of 1\.0 MB\)", refusal.state)


def test_a_failed_snapshot_is_recognised(server: EmbeddedValkey) -> None:
    shutil.rmtree(server.data)
    with the_administrator(server) as client:
        client.config_set("save", "3600 1")
        client.set("any", 1)
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        assert kind_at(server.url) is RefusalKind.CANNOT_SAVE
        client.config_set("save", "")


def test_a_server_busy_with_a_script_is_recognised(server: EmbeddedValkey) -> None:
    def run_without_end() -> None:
        with the_administrator(server) as client, pytest.raises(redis.ResponseError):
            client.eval("while true do end", 0)

    with the_administrator(server) as client:
        client.config_set("busy-reply-threshold", 10)
        runner = threading.Thread(target=run_without_end)
        runner.start()
        try:
            eventually(lambda: kind_at(server.url) is RefusalKind.BUSY)
        finally:
            client.script_kill()
            runner.join()


def test_a_replica_that_lost_its_primary_is_recognised(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        client.config_set("replica-serve-stale-data", "no")
        client.config_set("replica-read-only", "no")
        become_a_replica(client)
    assert kind_at(server.url) is RefusalKind.PRIMARY_AWAY


@pytest.mark.parametrize("login", [":wrong", "nobody:wrong"])
def test_a_wrong_login_is_recognised(server: EmbeddedValkey, login: str) -> None:
    with the_administrator(server) as client:
        want_a_password(client)
    assert kind_at(address(server, login)) is RefusalKind.WRONG_PASSWORD


def test_too_many_clients_are_recognised(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        client.config_set("maxclients", 1)
        assert kind_at(server.url) is RefusalKind.TOO_MANY_CLIENTS


def test_a_database_number_that_does_not_exist_is_recognised(server: EmbeddedValkey) -> None:
    assert kind_at(server.url_of(99)) is RefusalKind.NO_SUCH_DATABASE


@pytest.mark.slow
@pytest.mark.parametrize("slots", [(), (0, 16383)], ids=["without slots", "with all slots"])
def test_a_cluster_is_refused(tmp_path: Path, slots: tuple[int, ...]) -> None:
    with ClusterNode(tmp_path, durable=False) as node, the_administrator(node) as client:
        if slots:
            client.cluster("ADDSLOTSRANGE", *slots)
            eventually(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        assert kind_at(node.url) is RefusalKind.CLUSTER


def test_a_sentinel_is_recognised(tmp_path: Path) -> None:
    sentinel = SentinelNode(tmp_path, durable=False)
    sentinel.watch(free_port())
    with sentinel:
        assert kind_at(f"redis://{LOOPBACK}:{sentinel.port}/0") is RefusalKind.SENTINEL


def test_a_redis_at_the_address_of_a_sentinel_is_recognised(server: EmbeddedValkey) -> None:
    assert kind_at(f"redis+sentinel://{LOOPBACK}:{server.port}/booksync") is RefusalKind.NOT_SENTINEL


def test_a_service_that_no_sentinel_knows_is_recognised(tmp_path: Path) -> None:
    sentinel = SentinelNode(tmp_path, durable=False)
    sentinel.watch(free_port())
    with sentinel:
        assert kind_at(f"redis+sentinel://{LOOPBACK}:{sentinel.port}/another") is RefusalKind.NO_PRIMARY


def test_sentinels_that_require_a_login_are_recognised(tmp_path: Path) -> None:
    sentinel = SentinelNode(tmp_path, durable=False)
    sentinel.watch(free_port())
    with sentinel:
        with redis.Redis(LOOPBACK, sentinel.port) as client:
            client.execute_command("ACL", "SETUSER", "default", "on", "resetpass", ">secret")
        at = f"{LOOPBACK}:{sentinel.port}/booksync"
        assert kind_at(f"redis+sentinel://{at}") is RefusalKind.SENTINEL_LOGIN
        assert kind_at(f"redis+sentinel://{at}?sentinel_password=secret") is not RefusalKind.SENTINEL_LOGIN


@pytest.mark.slow
def test_a_sentinels_user_with_the_documented_rights_is_enough(tmp_path: Path, server: EmbeddedValkey) -> None:
    sentinel = SentinelNode(tmp_path / "sentinel", durable=False)
    sentinel.watch(server.port)
    with sentinel, redis.Redis(LOOPBACK, sentinel.port) as client:
        client.acl_setuser("watch", enabled=True, passwords=["+secret"], commands=["-@all"])
        url = (
            f"redis+sentinel://{LOOPBACK}:{sentinel.port}/{sentinel.service}"
            "?sentinel_username=watch&sentinel_password=secret"
        )
        assert kind_at(url) is RefusalKind.NO_PERMISSION
        client.execute_command("ACL", "SETUSER", "watch", *sentinel_commands())
        assert kind_at(url) is None


def test_a_port_without_a_server_is_recognised() -> None:
    assert kind_at(f"redis://{LOOPBACK}:{free_port()}/0") is RefusalKind.UNREACHABLE


def test_a_host_without_an_address_is_recognised() -> None:
    assert kind_at("redis://nowhere.invalid:6379/0") is RefusalKind.UNKNOWN_HOST


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", RefusalKind.LOADING),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", RefusalKind.NOT_REDIS),
        (b"220 mail.example ESMTP\r\n", RefusalKind.NOT_REDIS),
        (b"\x15\x03\x03\x00\x02\x02\x46\r\n", RefusalKind.NEEDS_TLS),
        (b"", RefusalKind.SILENT),
        (
            b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set\r\n",
            RefusalKind.PROTECTED,
        ),
        (b"-ERR operation not permitted here\r\n", RefusalKind.OTHER),
    ],
)
def test_another_kind_of_server_is_recognised(words: bytes, kind: RefusalKind) -> None:
    with server_that_says(words) as port:
        state = look_at(f"redis://{LOOPBACK}:{port}/0", timeout_seconds=0.3)
    assert state.refusal is not None
    assert state.refusal.kind is kind


def test_another_programs_key_is_recognised(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        client.set("dramatiq:api", "mine")
        with pytest.raises(redis.ResponseError) as refused:
            client.llen("dramatiq:api")
    assert refusal_of(refused.value).kind is RefusalKind.FOREIGN_DATA


def test_a_user_without_the_info_command_is_not_a_refusal(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-info"])
    state = look_at(server.url)
    assert (state.refusal, state.warning, state.role, state.maxmemory_policy) == (None, None, None, None)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_policy_that_evicts_is_a_warning(server: EmbeddedValkey, policy: str) -> None:
    with the_administrator(server) as client:
        client.config_set("maxmemory-policy", policy)
    state = look_at(server.url)
    assert state.refusal is None
    assert state.warning is not None
    assert state.warning.startswith(f"maxmemory-policy is {policy}: ")


def test_nearly_full_memory_is_a_warning(server: EmbeddedValkey) -> None:
    with the_administrator(server) as client:
        client.config_set("maxmemory", round(client.info("memory")["used_memory"] * 1.05) + 30_000)
    state = look_at(server.url)
    assert state.refusal is None
    assert state.warning is not None
    assert state.warning.startswith("is nearly full (")
