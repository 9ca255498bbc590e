"""Promises of workers/redis_access/refusals.py: errors of all Redis releases are recognised and not quoted."""

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis._parsers.base import BaseParser

from tests.tables import table
from workers.budget import BudgetUnavailable
from workers.redis_access.refusals import RefusalKind, refusal, refusal_of

#: In that release a script's error has the error code in its middle.
REDIS_6_SCRIPT = "ERR Error running script (call to f_0): @user_script:58: "


def of_the_server(reply: str) -> Exception:
    error: Exception = BaseParser.parse_error(reply)  # type: ignore[no-untyped-call]
    return error


@table(
    ("reply", "kind"),
    [
        (
            f"{REDIS_6_SCRIPT}-READONLY You can't write against a read only replica.",
            RefusalKind.READ_ONLY,
        ),
        (
            f"{REDIS_6_SCRIPT}-OOM command not allowed when used memory > 'maxmemory'.",
            RefusalKind.FULL,
        ),
        (
            f"{REDIS_6_SCRIPT}The user executing the script can't run this command or subcommand",
            RefusalKind.NO_PERMISSION,
        ),
        (
            f"{REDIS_6_SCRIPT}The user executing the script can't access at least one of the keys mentioned",
            RefusalKind.NO_PERMISSION,
        ),
        ("READONLY You can't write against a read only replica.", RefusalKind.READ_ONLY),
        ("MOVED 3999 127.0.0.1:6381", RefusalKind.CLUSTER),
        ("ASK 3999 127.0.0.1:6381", RefusalKind.CLUSTER),
        ("CROSSSLOT Keys in request don't hash to the same slot", RefusalKind.CLUSTER),
        ("TRYAGAIN Multiple keys request during rehashing of slot", RefusalKind.CLUSTER),
        ("CLUSTERDOWN Hash slot not served", RefusalKind.CLUSTER),
        ("ERR SELECT is not allowed in cluster mode", RefusalKind.CLUSTER),
        ("ERR Script attempted to access a non local key in a cluster node", RefusalKind.CLUSTER),
        ("NOPERM this user has no permissions to run the 'info' command or its subcommand", RefusalKind.NO_PERMISSION),
        ("NOAUTH Authentication required.", RefusalKind.NO_PASSWORD),
        ("WRONGPASS invalid username-password pair or user is disabled.", RefusalKind.WRONG_PASSWORD),
        ("ERR invalid password", RefusalKind.WRONG_PASSWORD),
        (
            "ERR AUTH <password> called without any password configured for the default user.",
            RefusalKind.WRONG_PASSWORD,
        ),
        ("MISCONF Redis is configured to save RDB snapshots, but it is unable to persist", RefusalKind.CANNOT_SAVE),
        ("MISCONF Errors writing to the AOF file: No space left on device", RefusalKind.CANNOT_SAVE),
        ("LOADING Redis is loading the dataset in memory", RefusalKind.LOADING),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", RefusalKind.BUSY),
        ("UNKILLABLE Sorry the script already executed write commands", RefusalKind.BUSY),
        ("ERR unknown command 'SET', with args beginning with: 'booksync:probe' '1' ", RefusalKind.SENTINEL),
        ("ERR unknown command `EVALSHA`, with args beginning with: ", RefusalKind.SENTINEL),
        ("ERR unknown command 'SENTINEL', with args beginning with: 'masters' ", RefusalKind.NOT_SENTINEL),
        ("ERR Unknown Redis command called from script script: f_0", RefusalKind.COMMAND_DISABLED),
        ("ERR unknown command 'INFO', with args beginning with: ", RefusalKind.COMMAND_DISABLED),
        ("ERR invalid DB index", RefusalKind.NO_SUCH_DATABASE),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", RefusalKind.FOREIGN_DATA),
        ("ERR something new", RefusalKind.OTHER),
    ],
)
def test_a_reply_of_the_server_is_recognised(reply: str, kind: RefusalKind) -> None:
    assert refusal_of(of_the_server(reply)).kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (redis.ConnectionError("Error 111 connecting to redis.example:6379. Connection refused."), "unreachable"),
        (redis.ConnectionError("Error -3 connecting to x:1. Temporary failure in name resolution."), "unknown_host"),
        (redis.ConnectionError("Error 104 while reading from x:1 : (104, 'Connection reset by peer')"), "closed"),
        (redis.ConnectionError("Error 1 connecting to x:1. [SSL: WRONG_VERSION_NUMBER] wrong version"), "no_tls"),
        (redis.TimeoutError("Timeout reading from socket"), "silent"),
        (redis.InvalidResponse("Protocol Error: b'SSH-2.0-OpenSSH'"), "not_redis"),
        (redis.RedisError("anything"), "other"),
    ],
)
def test_an_error_of_the_connection_is_recognised(error: redis.RedisError, kind: str) -> None:
    assert refusal_of(error).kind == kind


def test_unavailable_budget_reports_the_reason() -> None:
    error = BudgetUnavailable("is full")
    error.__cause__ = of_the_server("OOM command not allowed")
    assert refusal_of(error) == refusal(RefusalKind.FULL)
    assert str(error) == "The API budget cannot be read (Redis is full), so no call is made."


@table("kind", list(RefusalKind))
def test_every_refusal_has_a_sentence_with_a_next_step(kind: RefusalKind) -> None:
    found = refusal(kind)
    assert str(found) == f"Redis {found.state}: {found.way_out}."
    assert found.at("redis.example:6379").startswith("Redis ")
    assert found.at("redis.example:6379").endswith(f": {found.way_out}.")


@given(text=st.text(), code=st.none() | st.text())
def test_no_sentence_quotes_the_error(text: str, code: str | None) -> None:
    assert refusal_of(redis.ResponseError(text, status_code=code)) in [refusal(kind) for kind in RefusalKind]
