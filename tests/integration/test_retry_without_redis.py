"""Promises of `booksync dead-letters retry` while Redis refuses: one clear line, and an unchanged dead letter."""

import sys
from collections.abc import Iterator

import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed
from sqlalchemy import Engine

from db.engine import new_engine
from sandbox.servers.ports import free_port
from tests.integration.db.dead_letter_builders import a_message, kept, letter
from tests.integration.environment import environment_of_a_process
from tests.process_logs import logs_of_a_process
from workers.cli.app import main


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = new_engine(database_url, application_name="booksync tests")
    yield engine
    engine.dispose()


def retry(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """The exit code and the stderr of the command."""
    monkeypatch.setattr(sys, "argv", ["booksync", "dead-letters", "retry", "--all"])
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        logs_of_a_process(),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return ended.value.code, capsys.readouterr().err


def test_an_unreachable_redis_is_named_and_the_dead_letter_is_unchanged(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dead_letter_id = kept(engine, a_message())
    before = letter(engine, dead_letter_id)
    port = free_port()
    code, said = retry(database_url, f"redis://127.0.0.1:{port}/0", monkeypatch, capsys)
    assert code == 1
    assert said == (
        f"booksync: Redis cannot be reached at 127.0.0.1:{port}: check REDIS_URL, and that the server runs.\n"
    )
    assert letter(engine, dead_letter_id) == before


class TestRedisGoesAwayAfterItsCheck:
    @pytest.fixture(autouse=True)
    def gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise ConnectionClosed("Connection refused")  # type: ignore[no-untyped-call]

        monkeypatch.setattr(RedisBroker, "enqueue", refuse)

    def test_a_refusal_by_redis_is_one_line_with_the_next_step(
        self,
        engine: Engine,
        database_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        kept(engine, a_message())
        assert retry(database_url, redis_url, monkeypatch, capsys) == (
            1,
            "booksync: Redis refuses the message. Next: booksync status shows why; then run the command again.\n",
        )

    def test_the_dead_letter_stays_open_and_the_next_retry_sends_it(
        self,
        engine: Engine,
        database_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        dead_letter_id = kept(engine, a_message())
        retry(database_url, redis_url, monkeypatch, capsys)
        assert letter(engine, dead_letter_id)["status"] == "open"
        sent: list[object] = []
        monkeypatch.setattr(RedisBroker, "enqueue", lambda _self, message, **_: sent.append(message.args))
        code, _ = retry(database_url, redis_url, monkeypatch, capsys)
        assert (code, sent) == (0, [("7",)])
