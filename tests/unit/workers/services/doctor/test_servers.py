"""Promises of the checks of settings, Postgres, schema, keys, Redis and clocks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.failures import Failure, FailureKind
from db.migrations.revisions import SchemaFit, SchemaState
from db.server import ServerFacts
from db.server_health import ServerHealth
from tests.tables import table
from tests.unit.domain.process_rows import a_process, rows
from workers.boot.servers import RedisState
from workers.redis_access.refusals import RefusalKind, refusal
from workers.services.doctor.clocks import ClockFacts, check_clocks
from workers.services.doctor.findings import Finding, Severity, parted, span
from workers.services.doctor.keys import check_keys
from workers.services.doctor.postgres import PostgresFacts, check_postgres
from workers.services.doctor.redis_server import RedisFacts, check_redis, is_foreign
from workers.services.doctor.schema import check_schema
from workers.services.doctor.settings import check_settings

SERVER = ServerFacts("18.6", 180_006, is_standby=False, is_read_only=False)
HEALTH = ServerHealth(connections=10, most_connections=97, transaction_age=1000, lock_wait_seconds=0)
WELL = PostgresFacts(server=SERVER, round_trip_seconds=0.001, health=HEALTH, backends=frozenset({1}))
REDIS = RedisState(role="master", maxmemory_policy="noeviction", used_memory_bytes=1, maxmemory_bytes=0)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    assert finding.cause
    assert finding.next_step
    assert not finding.what.endswith(".")
    assert not finding.cause.endswith(".")
    return finding


def failed(kind: FailureKind) -> PostgresFacts:
    return PostgresFacts(failure=Failure(kind, "the server's text"))


class TestPostgres:
    def test_a_healthy_server_has_no_finding(self) -> None:
        assert check_postgres(WELL) == []
        assert check_postgres(PostgresFacts()) == []

    @table(
        ("facts", "severity", "name", "what"),
        [
            (failed(FailureKind.UNREACHABLE), "error", "postgres_unreachable", "Postgres does not respond"),
            (failed(FailureKind.AUTHENTICATION), "error", "postgres_authentication", "Postgres refuses the login"),
            (failed(FailureKind.DISK), "error", "postgres_disk", "Postgres has no disk space left"),
            (replace(WELL, server=replace(SERVER, is_read_only=True)), "error", "postgres_unsuitable", "is read-only"),
            (replace(WELL, server=replace(SERVER, is_standby=True)), "error", "postgres_unsuitable", "standby"),
            (replace(WELL, server=replace(SERVER, version_number=140_000)), "error", "postgres_unsuitable", "too old"),
            (replace(WELL, round_trip_seconds=0.8), "warning", "postgres_slow", "a trivial statement takes 0.8 s"),
            (replace(WELL, health=replace(HEALTH, connections=90)), "warning", "postgres_connections", "90 of 97"),
            (
                replace(WELL, health=replace(HEALTH, transaction_age=1_600_000_000)),
                "error",
                "postgres_transactions",
                "",
            ),
            (replace(WELL, health=replace(HEALTH, lock_wait_seconds=31)), "warning", "postgres_lock", "for 31 s"),
            (replace(WELL, tables_without_rights=["a"]), "error", "postgres_rights", "1 table: a"),
            (replace(WELL, tables_without_rights=list("abcde")), "error", "postgres_rights", "a, b, c and 2 more"),
            (replace(WELL, backends=frozenset({1, 2})), "error", "postgres_pooler", "transaction mode"),
        ],
    )
    def test_each_trouble_is_named(self, facts: PostgresFacts, severity: str, name: str, what: str) -> None:
        finding = only(check_postgres(facts))
        assert (finding.severity, finding.name) == (severity, name)
        assert what in finding.what

    def test_a_pooler_is_no_trouble_without_prepared_statements(self) -> None:
        assert check_postgres(replace(WELL, backends=frozenset({1, 2}), prepares_statements=False)) == []


class TestSchemaKeysAndSettings:
    @table(
        ("state", "name", "next_step"),
        [
            (SchemaState(None, SchemaFit.OLDER), "schema_older", "run `booksync migrate`"),
            (SchemaState("9999_later", SchemaFit.NEWER), "schema_newer", "upgrade booksync"),
        ],
    )
    def test_a_schema_that_does_not_fit_is_named(self, state: SchemaState, name: str, next_step: str) -> None:
        finding = only(check_schema(state))
        assert (finding.name, finding.next_step) == (name, next_step)

    def test_a_fitting_or_unknown_schema_has_no_finding(self) -> None:
        assert check_schema(None) == check_schema(SchemaState("x", SchemaFit.FITS)) == []

    @pytest.mark.parametrize(("can_read", "names"), [(None, []), (True, []), (False, ["wrong_keys"])])
    def test_only_keys_that_cannot_read_the_secrets_are_wrong(self, can_read: bool | None, names: list[str]) -> None:
        assert [each.name for each in check_keys(can_read)] == names

    def test_missing_settings_are_named(self) -> None:
        assert only(check_settings("Missing setting: REDIS_URL.")).what == "Missing setting: REDIS_URL"
        assert check_settings(None) == []


class TestRedis:
    def test_a_healthy_server_has_no_finding(self) -> None:
        assert check_redis(RedisFacts(REDIS, inspected_keys=10)) == []

    @pytest.mark.parametrize("kind", RefusalKind)
    def test_each_refusal_is_an_error_with_its_next_step(self, kind: RefusalKind) -> None:
        finding = only(check_redis(RedisFacts(replace(REDIS, refusal=refusal(kind)))))
        assert (finding.severity, finding.name) == (Severity.ERROR, f"redis_{kind}")

    @table(
        ("facts", "name", "what"),
        [
            (
                RedisFacts(replace(REDIS, warning="maxmemory-policy is allkeys-lru: Redis may evict messages; set it")),
                "redis_evicts",
                "maxmemory-policy is allkeys-lru",
            ),
            (
                RedisFacts(replace(REDIS, warning="is nearly full (9.1 of 10.0 MB): raise maxmemory")),
                "redis_nearly_full",
                "Redis is nearly full (9.1 of 10.0 MB)",
            ),
            (RedisFacts(REDIS, foreign_keys=3, inspected_keys=10), "redis_shared", "3 of 10 keys"),
            (RedisFacts(REDIS, forgotten_organizations=["10"]), "redis_emptied", "the calls of 1 organisation"),
        ],
    )
    def test_each_warning_is_named(self, facts: RedisFacts, name: str, what: str) -> None:
        finding = only(check_redis(facts))
        assert (finding.severity, finding.name) == (Severity.WARNING, name)
        assert what in finding.what

    @table(
        ("key", "expected"),
        [
            ("dramatiq:default", False),
            ("dramatiq", False),
            ("budget:{10}:state", False),
            ("booksync:workers", False),
            ("session:1", True),
            ("dramatiq-other", True),
            ("", True),
        ],
    )
    def test_keys_with_other_beginnings_are_foreign(self, key: str, expected: bool) -> None:
        assert is_foreign(key) is expected


class TestClocks:
    @table(
        ("facts", "what"),
        [
            (ClockFacts(here=90), "This host's clock is 90 s ahead of Postgres's"),
            (ClockFacts(redis=-3600), "Redis's clock is 60 min behind Postgres's"),
            (ClockFacts(zoho=10), "Zoho's clock is 10 s ahead of booksync's"),
            (
                ClockFacts(processes=rows(a_process(7, clock_ahead_seconds=-8), a_process(8))),
                "The clock of worker a:7 is 8 s behind Postgres's",
            ),
        ],
    )
    def test_a_clock_that_differs_is_named(self, facts: ClockFacts, what: str) -> None:
        assert only(check_clocks(facts)).what == what

    @given(st.floats(-5, 5))
    def test_a_difference_of_five_seconds_is_normal(self, ahead: float) -> None:
        assert check_clocks(ClockFacts(here=ahead, redis=ahead, zoho=ahead)) == []


@table(
    ("sentence", "parts"),
    [
        ("is full: raise maxmemory", ("is full", "raise maxmemory")),
        ("asks: use redis://x: y", ("asks", "use redis://x: y")),
        ("does not respond", ("does not respond", "")),
    ],
)
def test_a_sentence_is_parted_at_its_first_colon(sentence: str, parts: Any) -> None:
    assert parted(sentence) == parts


@table(
    ("seconds", "words"),
    [(0, "0 s"), (90, "90 s"), (120, "2 min"), (3600, "60 min"), (7200, "2 h"), (172_800, "2 days")],
)
def test_a_duration_has_the_largest_unit_of_which_there_are_two(seconds: float, words: str) -> None:
    assert span(seconds) == words
