"""Whether Redis and Postgres do at present what booksync needs, for `/readyz`, `status` and the metrics."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import redis
import structlog
from sqlalchemy import Engine

from db import server
from db.server import OLDEST_SERVER, ServerFacts
from db.session import Session
from domain.errors import BooksyncError
from workers.redis_access.refusals import Refusal, RefusalKind, refusal, refusal_of

log = structlog.get_logger(__name__)

#: The key of a write that probes Redis. The write detects a replica, a full memory and a missing permission; PING does
#: not.
PROBE_KEY: Final = "booksync:probe"
_PROBE_SECONDS: Final = 60

#: The share of maxmemory from which the memory counts as nearly full.
_NEARLY_FULL: Final = 0.9

_SAFE_POLICY: Final = "noeviction"

#: After one of these refusals no further command is sent to Redis, because it would only wait for the same timeout
#: again.
_WITHOUT_REPLY: Final = (RefusalKind.UNREACHABLE, RefusalKind.SILENT, RefusalKind.UNKNOWN_HOST)


class ServerNotReadyError(BooksyncError):
    """Postgres is reachable, but cannot do what booksync needs."""


class RedisRefusesError(BooksyncError):
    """Redis cannot do what booksync needs."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class RedisState:
    """The state of Redis. A fact that Redis's access rules (ACL) hide from booksync is None."""

    refusal: Refusal | None = None  #: why Redis does not do what booksync needs; None if it does
    warning: str | None = None  #: a setting by which Redis may lose messages; None without one
    role: str | None = None
    maxmemory_policy: str | None = None
    used_memory_bytes: int | None = None
    maxmemory_bytes: int | None = None  #: the memory limit; 0 for no limit

    @property
    def responds(self) -> bool:
        """Whether Redis would reply to another command, even if only with a refusal."""
        return self.refusal is None or self.refusal.kind not in _WITHOUT_REPLY

    def as_json(self) -> dict[str, Any]:
        """The state of Redis as JSON.

        The keys are {problem, warning, role, maxmemory_policy, used_memory_bytes, maxmemory_bytes}.
        """
        facts = asdict(self)
        del facts["refusal"]
        return {"problem": self.refusal and self.refusal.brief, **facts}


@dataclass(frozen=True, slots=True)
class PostgresState:
    """The state of a reachable Postgres."""

    problem: str | None  #: why Postgres does not do what booksync needs; completes "Postgres …"
    version: str

    def as_json(self) -> dict[str, Any]:
        """The state of Postgres as JSON: {problem, version}."""
        return asdict(self)


def require_servers(engine: Engine, client: redis.Redis) -> None:
    """Check that Postgres and Redis accept writes. Otherwise `connect` would waste a grant code, which works only once.

    Raises:
        ServerNotReadyError: Postgres is read-only or too old.
        DBAPIError: Postgres cannot be reached.
        RedisRefusesError: Redis does not accept writes, or is a Cluster or a Sentinel.
    """
    with engine.connect() as db:
        problem = look_at_postgres(db).problem
    if problem is not None:
        raise ServerNotReadyError(f"Postgres {problem}.")
    require_redis(client)


def require_redis(client: redis.Redis) -> None:
    """Raise RedisRefusesError unless Redis accepts writes and is neither a Cluster nor a Sentinel."""
    found = look_at_redis(client).refusal
    if found is not None:
        raise RedisRefusesError(found)


def look_at_redis(client: redis.Redis) -> RedisState:
    """Probe Redis with a write, and read its role and memory if Redis's access rules (ACL) allow that."""
    refused = _refusal_of_a_write(client)
    info = {} if refused is not None and refused.kind in _WITHOUT_REPLY else _info(client)
    used, limit = info.get("used_memory"), info.get("maxmemory")
    return RedisState(
        refusal=_verdict(refused, info),
        warning=_eviction(info) or (_shortage(info) if refused is None else None),
        role=info.get("role"),
        maxmemory_policy=info.get("maxmemory_policy"),
        used_memory_bytes=used,
        maxmemory_bytes=limit,
    )


def log_redis(client: redis.Redis) -> None:
    """Log a line if Redis does not do what booksync needs, or may lose messages."""
    state = look_at_redis(client)
    if state.refusal is not None:
        log.error(
            "Redis refuses commands that booksync needs",
            action="redis.refuses",
            refusal=state.refusal.kind,
            error=str(state.refusal),
        )
    if state.warning is not None:
        log.warning("Redis may lose messages", action="redis.may_lose_messages", error=state.warning)


def look_at_postgres(db: Session) -> PostgresState:
    """Check that Postgres accepts writes and is new enough.

    Raises:
        DBAPIError: Postgres cannot be reached.
    """
    facts = server.facts(db)
    return PostgresState(problem=postgres_problem(facts), version=facts.version)


def _refusal_of_a_write(client: redis.Redis) -> Refusal | None:
    try:
        client.set(PROBE_KEY, 1, ex=_PROBE_SECONDS)
    except redis.RedisError as error:
        return refusal_of(error)
    return None


def _info(client: redis.Redis) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = client.info()
    except redis.RedisError:
        # Redis's memory is unknown, because the ACL denies INFO, or Redis refuses it for the same reason as the write.
        return {}
    return found


def _verdict(refused: Refusal | None, info: Mapping[str, Any]) -> Refusal | None:
    # Valkey calls the field server_mode.
    mode = info.get("redis_mode", info.get("server_mode"))
    if mode == "cluster" or info.get("cluster_enabled") == 1:
        return refusal(RefusalKind.CLUSTER)
    if mode == "sentinel":
        return refusal(RefusalKind.SENTINEL)
    if refused is None:
        return refusal(RefusalKind.WRITABLE_REPLICA) if info.get("role") == "slave" else None
    if refused.kind is RefusalKind.FULL and info.get("maxmemory"):
        return replace(refused, state=f"is full ({_memory(info)})")
    return refused


def _eviction(info: Mapping[str, Any]) -> str | None:
    policy = info.get("maxmemory_policy")
    if policy is not None and policy != _SAFE_POLICY:
        return (
            f"maxmemory-policy is {policy}: Redis may evict messages when its memory is full; "
            f"set maxmemory-policy to {_SAFE_POLICY}"
        )
    return None


def _shortage(info: Mapping[str, Any]) -> str | None:
    if info.get("maxmemory") and info["used_memory"] >= _NEARLY_FULL * info["maxmemory"]:
        return f"is nearly full ({_memory(info)}): raise maxmemory"
    return None


def _memory(info: Mapping[str, Any]) -> str:
    return f"{info['used_memory'] / 2**20:.1f} of {info['maxmemory'] / 2**20:.1f} MB"


def postgres_problem(facts: ServerFacts) -> str | None:
    """Return why this Postgres server does not do what booksync needs (the text completes "Postgres …"), or None."""
    if facts.version_number < OLDEST_SERVER:
        return f"is too old ({facts.version}): booksync needs Postgres {OLDEST_SERVER // 10_000} or newer"
    if facts.is_standby:
        return "is a read-only standby: point DATABASE_URL to the primary"
    if facts.is_read_only:
        return "is read-only: set default_transaction_read_only to off, or point DATABASE_URL to the primary"
    return None
