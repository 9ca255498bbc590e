"""Promises of the real embedded servers: they keep their data, ignore the environment and use free ports."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from sandbox.servers import EmbeddedPostgres, EmbeddedValkey, ServerError, ports, server
from tests.integration.asking import ask
from tests.processes import gone


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as running:
        yield running


class TestPostgres:
    @pytest.mark.slow
    def test_databases_are_in_utf_8_and_fold_the_case_of_every_script(self, postgres: EmbeddedPostgres) -> None:
        url = postgres.create_database("letters")
        assert url == f"postgresql://postgres@127.0.0.1:{postgres.port}/letters"
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT lower('ÉΣЖ')") == "éσж"

    @pytest.mark.slow
    def test_an_existing_database_is_left_unchanged(self, postgres: EmbeddedPostgres) -> None:
        ask(postgres.create_database("kept"), "CREATE TABLE kept AS SELECT 7 AS number")
        assert ask(postgres.create_database("kept"), "SELECT number FROM kept") == 7

    def test_a_template_is_copied_and_the_copy_can_be_dropped(self, postgres: EmbeddedPostgres) -> None:
        ask(postgres.create_database("original"), "CREATE TABLE kept AS SELECT 7 AS number")
        copy = postgres.create_database("copy", template="original")
        with psycopg.connect(copy, autocommit=True) as still_connected:
            assert still_connected.execute("SELECT number FROM kept").fetchone() == (7,)
            postgres.drop_database("copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(copy, "SELECT 1")

    @pytest.mark.slow
    @pytest.mark.parametrize("end", [EmbeddedPostgres.stop, EmbeddedPostgres.kill])
    def test_a_restart_keeps_the_port_and_the_data(
        self, tmp_path: Path, end: Callable[[EmbeddedPostgres], None]
    ) -> None:
        with EmbeddedPostgres(tmp_path) as postgres:
            url = postgres.url
            ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
            end(postgres)
            assert not postgres.running
            assert postgres.start().url == url
            assert ask(url, "SELECT number FROM kept") == 7

    def test_a_killed_server_leaves_no_process(self, postgres: EmbeddedPostgres) -> None:
        backends = [child.pid for child in psutil.Process(postgres.pid).children(recursive=True)]
        assert len(backends) > 3
        postgres.kill()
        assert gone(*backends)
        postgres.start()

    @pytest.mark.slow
    def test_a_stale_pid_file_is_ignored_even_if_its_pid_was_reused(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            postgres.kill()
            pid_file = tmp_path / "data" / "postmaster.pid"
            pid_file.write_text("\n".join([str(os.getppid()), *pid_file.read_text().splitlines()[1:]]) + "\n")
            assert ask(postgres.start().url, "SELECT 1") == 1

    @pytest.mark.slow
    def test_an_incomplete_cluster_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / "data.new" / "base").mkdir(parents=True)
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1

    @pytest.mark.slow
    def test_a_folder_name_may_be_longer_than_a_socket_path(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path / ("x" * 120), durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1

    @pytest.mark.slow
    def test_postgres_settings_of_the_environment_are_ignored(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGDATA", "/nowhere")
        monkeypatch.setenv("PGPORT", "1")
        with EmbeddedPostgres(tmp_path, durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == 1


class TestValkey:
    def test_a_killed_valkey_keeps_its_data(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
            client.set("kept", "7")
            valkey.kill()
            valkey.start()
            assert client.get("kept") == b"7"

    def test_a_valkey_without_durability_restarts_empty(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path, durable=False) as valkey, redis.Redis.from_url(valkey.url) as client:
            client.set("forgotten", "7")
            valkey.restart()
            assert client.get("forgotten") is None

    def test_the_eviction_policy_is_noeviction(self, tmp_path: Path) -> None:
        with EmbeddedValkey(tmp_path, durable=False) as valkey, redis.Redis.from_url(valkey.url_of(3)) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@pytest.mark.slow
class TestPorts:
    @pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
    def test_a_port_that_is_already_in_use_is_replaced_by_another(
        self,
        kind: type[EmbeddedPostgres | EmbeddedValkey],
        tmp_path: Path,
        postgres: EmbeddedPostgres,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        offered = iter([postgres.port, ports.free_port()])
        monkeypatch.setattr(server, "free_port", lambda: next(offered))
        with kind(tmp_path, durable=False) as second:
            assert second.port != postgres.port

    @pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
    def test_a_chosen_port_that_is_in_use_is_reported_in_one_sentence(
        self, kind: type[EmbeddedPostgres | EmbeddedValkey], tmp_path: Path, postgres: EmbeddedPostgres
    ) -> None:
        with pytest.raises(ServerError, match=f"did not start .*; its log is {tmp_path}") as failure:
            kind(tmp_path, durable=False, port=postgres.port).start()
        assert failure.value.log is not None
        assert "Address already in use" in failure.value.log.read_text()
