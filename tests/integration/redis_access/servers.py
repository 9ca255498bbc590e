"""Servers that booksync may find at the address of its Redis."""

import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from sandbox.servers import EmbeddedValkey
from sandbox.servers.account import Account, give
from sandbox.servers.ports import LOOPBACK
from tests.end_to_end.underway import eventually


class ClusterNode(EmbeddedValkey):
    """The only node of a Cluster, without slots at its start."""

    def _command(self, port: int) -> Sequence[str]:
        return [*super()._command(port), "--cluster-enabled", "yes"]


class SentinelNode(EmbeddedValkey):
    """A Sentinel that watches one primary and decides alone, within a second."""

    service = "booksync"

    def watch(self, primary_port: int) -> None:
        """Sets the primary; must be called before the start."""
        self._primary_port = primary_port

    def _prepare(self) -> Account:
        account = super()._prepare()
        file = self.data / "sentinel.conf"
        file.write_text(
            f"bind {LOOPBACK}\n"
            f"sentinel monitor {self.service} {LOOPBACK} {self._primary_port} 1\n"
            f"sentinel down-after-milliseconds {self.service} 500\n"
            f"sentinel failover-timeout {self.service} 3000\n"
        )
        give(file, account)
        return account

    def _command(self, port: int) -> Sequence[str]:
        return [str(self._program), str(self.data / "sentinel.conf"), "--sentinel", "--port", str(port)]

    def _responds(self, pid: int, port: int) -> bool:
        """The same check as for a Valkey, but without QUIT, which a Sentinel does not know."""
        try:
            with redis.Redis(LOOPBACK, port, socket_timeout=1) as client:
                return bool(client.info("server")["process_id"] == pid)
        except redis.RedisError:
            return False


@dataclass(frozen=True)
class WatchedRedis:
    """A primary, its replica, and the Sentinel that promotes it."""

    primary: EmbeddedValkey
    replica: EmbeddedValkey
    sentinel: SentinelNode

    @property
    def url(self) -> str:
        return f"redis+sentinel://{LOOPBACK}:{self.sentinel.port}/{self.sentinel.service}/0"

    def fail_over(self) -> None:
        """Kills the primary, and waits until the Sentinel names the replica."""
        self.primary.kill()
        with redis.Redis(LOOPBACK, self.sentinel.port) as client:
            service = self.sentinel.service
            eventually(lambda: client.sentinel_masters()[service]["port"] == self.replica.port)


@contextmanager
def watched_redis(folder: Path) -> Iterator[WatchedRedis]:
    """The three servers, once the replica is in sync with its primary."""
    primary = EmbeddedValkey(folder / "primary", durable=False)
    replica = EmbeddedValkey(folder / "replica", durable=False)
    with primary, replica:
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof(LOOPBACK, primary.port)
            eventually(lambda: client.info("replication")["master_link_status"] == "up")
        sentinel = SentinelNode(folder / "sentinel", durable=False)
        sentinel.watch(primary.port)
        with sentinel:
            with redis.Redis(LOOPBACK, sentinel.port) as client:
                eventually(lambda: len(client.sentinel_slaves(sentinel.service)) == 1)
            yield WatchedRedis(primary, replica, sentinel)


@contextmanager
def server_that_says(words: bytes) -> Iterator[int]:
    """The port of a server that sends these words as its reply to any input."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(65_536):
                self.request.sendall(words)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Ignores errors, because a client may end its connection at any time."""

    with Server((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
