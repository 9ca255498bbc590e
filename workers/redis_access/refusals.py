"""Refusals of Redis: what each error of the server or its connection means, and what to do about it.

Redis names the reason in the first word of an error (READONLY, NOPERM, …). An error inside a script contains the same
word somewhere in its text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import redis


class RefusalKind(StrEnum):
    """Why Redis does not execute a command."""

    UNREACHABLE = "unreachable"  #: the connection could not be made
    SILENT = "silent"  #: the connection was made, but no reply came within the time limit
    UNKNOWN_HOST = "unknown_host"  #: the host's name has no address
    CLOSED = "closed"  #: the server closes the connection at once
    NOT_REDIS = "not_redis"  #: another kind of server listens at the address
    NO_TLS = "no_tls"  #: `rediss://` is used for a port without TLS
    NEEDS_TLS = "needs_tls"  #: `redis://` is used for a port with TLS
    UNTRUSTED = "untrusted"  #: the server's certificate is not accepted
    READ_ONLY = "read_only"  #: a replica
    WRITABLE_REPLICA = "writable_replica"  #: a replica that accepts writes, but loses them
    PRIMARY_AWAY = "primary_away"  #: a replica that has lost its primary
    CLUSTER = "cluster"
    SENTINEL = "sentinel"  #: a Sentinel where a Redis is expected
    NOT_SENTINEL = "not_sentinel"  #: a Redis where a Sentinel is expected
    SENTINEL_LOGIN = "sentinel_login"  #: the Sentinels refuse the login
    NO_PRIMARY = "no_primary"  #: no Sentinel names a primary
    NO_PERMISSION = "no_permission"
    NO_PASSWORD = "no_password"  # noqa: S105
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    PROTECTED = "protected"  #: protected mode: no password, and the client is on another host
    COMMAND_DISABLED = "command_disabled"  #: a command was renamed or switched off
    NO_SUCH_DATABASE = "no_such_database"
    FULL = "full"
    CANNOT_SAVE = "cannot_save"
    NO_REPLICAS = "no_replicas"  #: `min-replicas-to-write` is not reached
    LOADING = "loading"
    BUSY = "busy"  #: a script is running for a long time
    TOO_MANY_CLIENTS = "too_many_clients"
    FOREIGN_DATA = "foreign_data"  #: another program uses booksync's keys
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of Redis, described without data."""

    kind: RefusalKind
    state: str  #: the problem; completes "Redis …"
    way_out: str  #: the remedy, in the imperative

    @property
    def brief(self) -> str:
        """The refusal as a sentence without the server's name, for a list of servers."""
        return self.state if self.kind is RefusalKind.UNREACHABLE else f"{self.state}: {self.way_out}"

    def __str__(self) -> str:
        return f"Redis {self.state}: {self.way_out}."

    def at(self, address: str) -> str:
        """The refusal as a sentence for people. `address` is shown unchanged, so it must not contain a password."""
        if self.kind is RefusalKind.UNREACHABLE:
            return f"Redis cannot be reached at {address}: {self.way_out}."
        return f"Redis at {address} {self.state}: {self.way_out}."


_K = RefusalKind

_TEXTS: Final[Mapping[RefusalKind, tuple[str, str]]] = {
    _K.UNREACHABLE: ("does not respond", "check REDIS_URL, and that the server runs"),
    _K.SILENT: (
        "does not respond in time",
        "check the server's load and the network; use rediss:// for a port with TLS only",
    ),
    _K.UNKNOWN_HOST: ("has a host name that cannot be resolved", "check the host in REDIS_URL, and the DNS"),
    _K.CLOSED: (
        "closes the connection",
        "check that the address is that of a Redis; a port with TLS needs rediss://",
    ),
    _K.NOT_REDIS: ("is another kind of server, not a Redis", "check host and port in REDIS_URL"),
    _K.NO_TLS: ("does not speak TLS on this port", "use redis://, or the server's TLS port"),
    _K.NEEDS_TLS: ("speaks TLS on this port", "use rediss:// in REDIS_URL"),
    _K.UNTRUSTED: (
        "has a certificate that is not accepted",
        "add ?ssl_ca_certs=FILE with its CA to REDIS_URL, and use the host name that the certificate is for",
    ),
    _K.READ_ONLY: (
        "is a read-only replica",
        "point REDIS_URL to the primary, or use redis+sentinel:// to follow it",
    ),
    _K.WRITABLE_REPLICA: (
        "is a replica, though it accepts writes",
        "point REDIS_URL to the primary: a replica loses what is written to it",
    ),
    _K.PRIMARY_AWAY: (
        "is a replica that has lost its primary",
        "point REDIS_URL to the present primary, or use redis+sentinel:// to follow it",
    ),
    _K.CLUSTER: (
        "is a Redis Cluster, which booksync does not support",
        "use a single Redis, or one with replicas and Sentinels (redis+sentinel://)",
    ),
    _K.SENTINEL: (
        "is a Sentinel, not a Redis",
        "use redis+sentinel://HOST:PORT/SERVICE in REDIS_URL",
    ),
    _K.NOT_SENTINEL: (
        "is not a Sentinel",
        "use redis:// in REDIS_URL, or name the Sentinels' port (26379)",
    ),
    _K.SENTINEL_LOGIN: (
        "has Sentinels that refuse the login",
        "add sentinel_username and sentinel_password to the query of REDIS_URL",
    ),
    _K.NO_PRIMARY: (
        "has no primary that its Sentinels name",
        "check that the Sentinels run, and the service's name in REDIS_URL; a failover ends by itself",
    ),
    _K.NO_PERMISSION: (
        "denies this user a command or a key",
        "grant the commands and keys that docs/redis.md lists (ACL SETUSER)",
    ),
    _K.NO_PASSWORD: ("asks for a password", "put it into REDIS_URL: redis://USER:PASSWORD@HOST"),
    _K.WRONG_PASSWORD: (
        "refuses the user or the password",
        "check both in REDIS_URL, special characters percent-encoded, and that the user is on",
    ),
    _K.PROTECTED: (
        "is in protected mode, so it serves its own host only",
        "set a password for it, and put that into REDIS_URL",
    ),
    _K.COMMAND_DISABLED: (
        "lacks a command that booksync needs",
        "enable the commands that docs/redis.md lists (rename-command)",
    ),
    _K.NO_SUCH_DATABASE: ("has no database of this number", "use a lower number at the end of REDIS_URL"),
    _K.FULL: (
        "is full",
        "raise maxmemory, or remove what other programs keep there; the work continues by itself after that",
    ),
    _K.CANNOT_SAVE: (
        "cannot save to its disk, so it refuses writes",
        "free disk space and look at the server's log; the work continues by itself after that",
    ),
    _K.NO_REPLICAS: (
        "has fewer replicas than min-replicas-to-write",
        "bring the replicas back, or lower min-replicas-to-write",
    ),
    _K.LOADING: ("loads its data", "wait until it has read its files"),
    _K.BUSY: ("runs another program's script", "wait, or end the script with SCRIPT KILL"),
    _K.TOO_MANY_CLIENTS: ("has no free connection", "raise maxclients, or end idle clients"),
    _K.FOREIGN_DATA: (
        "holds another program's data under a key of booksync's",
        "give booksync a separate database number, or delete dramatiq:*, budget:* and booksync:*",
    ),
    _K.OTHER: ("refuses a command", "look at the server's log"),
}

#: Patterns of errors. The first matching one decides; each is matched against the error's word and its text.
_PATTERNS: Final[tuple[tuple[re.Pattern[str], RefusalKind], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r"No master found .*auth:", _K.SENTINEL_LOGIN),
        (r"No master found", _K.NO_PRIMARY),
        (r"\bREADONLY\b|previous master is now", _K.READ_ONLY),
        (r"\bMASTERDOWN\b", _K.PRIMARY_AWAY),
        (
            r"\b(MOVED|ASK|CROSSSLOT|TRYAGAIN|CLUSTERDOWN)\b|in cluster mode|non local key|hash to the same slot",
            _K.CLUSTER,
        ),
        (r"\bNOPERM\b|ACL failure|has no permissions|user executing the script can't", _K.NO_PERMISSION),
        (r"\bWRONGPASS\b|invalid password|without any password configured", _K.WRONG_PASSWORD),
        (r"\bNOAUTH\b|Authentication required", _K.NO_PASSWORD),
        (r"\bDENIED\b.*protected mode", _K.PROTECTED),
        (r"\bOOM\b", _K.FULL),
        (r"\bMISCONF\b", _K.CANNOT_SAVE),
        (r"\bNOREPLICAS\b", _K.NO_REPLICAS),
        (r"\bLOADING\b", _K.LOADING),
        (r"\b(BUSY|UNKILLABLE)\b", _K.BUSY),
        (r"\bWRONGTYPE\b|hash value is not an integer", _K.FOREIGN_DATA),
        (r"max number of clients", _K.TOO_MANY_CLIENTS),
        (r"(?i)\bDB index\b", _K.NO_SUCH_DATABASE),
        (r"(?i)unknown command\W*sentinel", _K.NOT_SENTINEL),
        # A Sentinel has no commands that read or write a key. Other servers may disable `KEYS` and similar commands
        # too, so these prove nothing.
        (r"(?i)unknown \w+ command called from script|unknown command\W*(keys|info)", _K.COMMAND_DISABLED),
        (r"(?i)unknown command", _K.SENTINEL),
        (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", _K.UNTRUSTED),
        (r"(?i)wrong.version.number|record.layer.failure|\[SSL|SSL: ", _K.NO_TLS),
        (r"Protocol Error: .*\\x15\\x03", _K.NEEDS_TLS),
        (r"Protocol Error", _K.NOT_REDIS),
        (r"(?i)name or service not known|name resolution|nodename nor|no address associated", _K.UNKNOWN_HOST),
        (r"Connection closed by server|(?i:connection reset)", _K.CLOSED),
    )
)


def refusal_of(error: BaseException) -> Refusal:
    """The refusal that an error means. The error is one of redis-py, or was caused by one."""
    cause = error
    while not isinstance(cause, redis.RedisError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return refusal(_kind_of(cause))


def refusal(kind: RefusalKind) -> Refusal:
    return Refusal(kind, *_TEXTS[kind])


def _kind_of(error: BaseException) -> RefusalKind:
    text = f"{getattr(error, 'status_code', None) or ''} {error}"
    for pattern, kind in _PATTERNS:
        if pattern.search(text):
            return kind
    if isinstance(error, redis.TimeoutError):
        return RefusalKind.SILENT
    if isinstance(error, redis.InvalidResponse):
        return RefusalKind.NOT_REDIS
    return RefusalKind.UNREACHABLE if isinstance(error, redis.ConnectionError) else RefusalKind.OTHER
