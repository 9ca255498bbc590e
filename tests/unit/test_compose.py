"""docker-compose.yml matches the design, the code, and the schema of the Compose specification."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from check_jsonschema import main as check_jsonschema  # type: ignore[import-untyped]
from click.testing import CliRunner
from cryptography.fernet import Fernet

from tests.deployment_files import MOST_CONNECTIONS, PROCESSES, ROOT, SERVERS, compose, option, parsed, read
from tests.unit.test_scaling_document import MOST_OF_PROCESS
from workers.boot.settings import Settings

FOLDER = ROOT / "deploy" / "compose"
BROWSER_CONNECT = FOLDER / "browser-connect.yml"
MAKE_SECRETS = FOLDER / "make-secrets"

#: The process → its secrets.
SECRETS = {
    "migrate": {"database_url_owner"},
    "web": {"database_url_web", "redis_url", "encryption_keys", "console_password"},
    "worker": {"database_url_worker", "redis_url", "encryption_keys", "zoho_client_id", "zoho_client_secret"},
    "scheduler": {
        "database_url_worker",
        "redis_url",
        "encryption_keys",
        "zoho_client_id",
        "zoho_client_secret",
        "reminder_webhook_secret",
    },
}

#: A program in the place of `docker buildx imagetools inspect --format … IMAGE`: a digest made from the image's name.
FAKE_DOCKER = """#!/bin/sh
[ "$1 $2 $3 $4" = "buildx imagetools inspect --format" ] || exit 1
[ "$#" = 6 ] && [ -n "$6" ] || exit 1
printf 'sha256:%s\\n' "$(printf %s "$6" | openssl dgst -sha256 -r | cut -d ' ' -f 1)"
"""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def seconds(duration: str) -> int:
    match = re.fullmatch(r"(\d+)s", duration)
    assert match is not None, f"{duration} is not a number of seconds"
    return int(match[1])


def require_valid(*files: Path) -> None:
    """Check the files against the schema of the Compose specification."""
    result = CliRunner().invoke(check_jsonschema, ["--builtin-schema", "vendor.compose-spec", *map(str, files)])
    assert result.exit_code == 0, result.output


def require_secrets(service: dict[str, Any]) -> None:
    """Check that each secret of the service has a setting that names its file, and no other one does."""
    files = {name: value for name, value in service["environment"].items() if name.endswith("_FILE")}
    assert sorted(files.values()) == sorted(f"/run/secrets/{secret}" for secret in service["secrets"])
    assert all(Settings.model_fields[name.removesuffix("_FILE").lower()] for name in files)


class TestCompose:
    def test_the_specification_accepts_it(self) -> None:
        require_valid(ROOT / "docker-compose.yml")

    def test_has_the_servers_the_migration_and_the_processes(self, services: dict[str, Any]) -> None:
        assert set(services) == SERVERS | {"migrate"} | set(PROCESSES)

    # `booksync worker` is `dramatiq workers.main` with the log format of booksync in its master process too.
    @pytest.mark.parametrize(("name", "command"), (PROCESSES | {"worker": "booksync worker"}).items())
    def test_runs_the_commands_of_the_procfile(self, services: dict[str, Any], name: str, command: str) -> None:
        words = command.split()
        assert services[name]["command"][: len(words)] == words

    def test_web_process_bounds_its_connections(self, services: dict[str, Any]) -> None:
        assert option(services["web"]["command"], "--limit-concurrency") == MOST_CONNECTIONS

    @pytest.mark.parametrize("name", sorted(SERVERS | set(PROCESSES)))
    def test_long_running_services_are_restarted_and_get_time_to_stop(
        self, services: dict[str, Any], name: str
    ) -> None:
        assert services[name]["restart"] == "unless-stopped"
        assert seconds(services[name]["stop_grace_period"]) >= 30

    def test_worker_gets_time_to_finish_its_run_step(self, services: dict[str, Any]) -> None:
        claim_seconds = Settings.model_fields["claim_seconds"].default
        assert seconds(services["worker"]["stop_grace_period"]) > claim_seconds

    @pytest.mark.parametrize("name", sorted(SERVERS | set(PROCESSES)))
    def test_every_service_has_a_health_check(self, services: dict[str, Any], name: str) -> None:
        assert services[name]["healthcheck"]["test"][0] == "CMD"

    @pytest.mark.parametrize("name", PROCESSES)
    def test_processes_wait_for_healthy_servers_and_a_migrated_database(
        self, services: dict[str, Any], name: str
    ) -> None:
        conditions = {on: wait["condition"] for on, wait in services[name]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "valkey": "service_healthy",
            "migrate": "service_completed_successfully",
        }

    def test_the_migration_runs_once(self, services: dict[str, Any]) -> None:
        assert services["migrate"]["command"] == ["booksync", "migrate", "--grants"]
        assert services["migrate"]["restart"] == "no"
        assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}

    def test_the_queue_is_kept_on_disk_and_never_evicted(self, services: dict[str, Any]) -> None:
        command = services["valkey"]["command"]
        assert option(command, "--appendonly") == "yes"
        assert option(command, "--maxmemory-policy") == "noeviction"
        assert services["valkey"]["volumes"] == ["valkey:/data"]

    def test_database_volume_is_mounted_at_the_images_data_path(self, services: dict[str, Any]) -> None:
        assert services["postgres"]["image"] == "postgres:18"
        # With the older images' path the data would be in an anonymous volume, which is lost with the container.
        assert services["postgres"]["volumes"][0] == "postgres:/var/lib/postgresql"

    def test_postgres_has_connections_for_five_workers(self, services: dict[str, Any]) -> None:
        command = services["postgres"]["command"]
        processes = 5 * int(option(services["worker"]["command"], "--processes"))
        # Three are reserved for superusers, and some are for commands and health checks.
        needed = {"worker": processes, "scheduler": 1, "web": 1}
        assert option(command, "-c") == "max_connections=300"
        assert sum(number * MOST_OF_PROCESS[name] for name, number in needed.items()) <= 300 - 3 - 20

    def test_only_the_web_process_is_reachable_and_only_from_this_host(self, services: dict[str, Any]) -> None:
        published = {name: service["ports"] for name, service in services.items() if "ports" in service}
        assert published == {"web": ["${WEB_ADDRESS:-127.0.0.1:8000}:8000"]}

    @pytest.mark.parametrize("name", sorted(SERVERS | {"migrate"} | set(PROCESSES)))
    def test_a_service_may_nothing_that_it_does_not_need(self, services: dict[str, Any], name: str) -> None:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        # The images' entrypoints need capabilities only to leave root.
        assert service.get("user") == (name if name in SERVERS else None)

    @pytest.mark.parametrize("name", SECRETS)
    def test_each_process_has_only_its_own_secrets(self, services: dict[str, Any], name: str) -> None:
        assert set(services[name]["secrets"]) == SECRETS[name]
        require_secrets(services[name])

    @pytest.mark.parametrize("name", SECRETS)
    def test_no_secret_of_the_environment_file_gets_into_a_container(self, services: dict[str, Any], name: str) -> None:
        environment = services[name]["environment"]
        named = {found.removesuffix("_FILE") for each in services.values() for found in each.get("environment", ())}
        secret = {setting for setting in named if setting.lower() in Settings.model_fields} - {"REMINDER_WEBHOOK_URL"}
        assert {environment[setting] for setting in secret} == {""}

    @pytest.mark.parametrize("name", SECRETS)
    def test_the_document_lists_the_same_secrets(self, services: dict[str, Any], name: str) -> None:
        (listed,) = re.findall(rf"^\| (?:`booksync )?{name}\b[^|]* \| (.+) \|$", read("docs/database-roles.md"), re.M)
        files = {
            setting.removesuffix("_FILE") for setting in services[name]["environment"] if setting.endswith("_FILE")
        }
        assert set(re.findall("`([A-Z_]+)`", listed)) == files
        (role,) = re.findall(r"`DATABASE_URL` of `booksync_(\w+)`", listed)
        assert f"database_url_{role}" in SECRETS[name]

    def test_only_the_scheduler_posts_reminders(self, services: dict[str, Any]) -> None:
        silent = {name for name in PROCESSES if services[name]["environment"].get("REMINDER_WEBHOOK_URL") == ""}
        assert silent == PROCESSES.keys() - {"scheduler"}

    def test_connecting_in_a_browser_adds_only_zohos_client(self, services: dict[str, Any]) -> None:
        require_valid(BROWSER_CONNECT)
        added = parsed(BROWSER_CONNECT.read_text(encoding="utf-8"))["services"]
        assert added.keys() == {"web"}
        assert added["web"].keys() == {"environment", "secrets"}
        assert set(added["web"]["secrets"]) == SECRETS["worker"] - SECRETS["web"] - {"database_url_worker"}
        web = services["web"]
        # So Compose merges the files: entries of a map are replaced, and those of a list are added.
        require_secrets(
            {
                "environment": web["environment"] | added["web"]["environment"],
                "secrets": web["secrets"] + added["web"]["secrets"],
            }
        )

    def test_every_secret_is_made_by_the_script(self, tmp_path: Path) -> None:
        subprocess.run([MAKE_SECRETS, tmp_path / "made"], check=True)
        made = {path.name for path in (tmp_path / "made").iterdir()}
        assert made == {*compose()["secrets"], "role_passwords.sql", "sender_password"}
        before = {path: path.read_text() for path in (tmp_path / "made").iterdir()}
        subprocess.run([MAKE_SECRETS, tmp_path / "made"], check=True)
        assert {path: path.read_text() for path in (tmp_path / "made").iterdir()} == before
        Fernet(before[tmp_path / "made" / "encryption_keys"].strip())
        assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700

    def test_the_secrets_belong_together(self, tmp_path: Path) -> None:
        subprocess.run([MAKE_SECRETS, tmp_path], check=True)
        passwords = (tmp_path / "role_passwords.sql").read_text()
        for role in ("owner", "worker", "web"):
            address = urlsplit((tmp_path / f"database_url_{role}").read_text())
            assert f"ALTER ROLE {address.username} PASSWORD '{address.password}';" in passwords
        redis = urlsplit((tmp_path / "redis_url").read_text())
        (line,) = re.findall(r"^user booksync on #(\w+) (.+)$", (tmp_path / "valkey_acl").read_text(), re.MULTILINE)
        assert line[0] == hashlib.sha256(f"{redis.password}".encode()).hexdigest()
        assert f"ACL SETUSER booksync on >PASSWORD {line[1]}\n" in read("docs/redis.md")


class TestPinnedImages:
    """`pin-images` with a fake docker."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A copy of the files that the script reads, where it may write."""
        (tmp_path / "deploy" / "compose").mkdir(parents=True)
        for name in ("docker-compose.yml", "Dockerfile", "deploy/compose/pin-images"):
            shutil.copy(ROOT / name, tmp_path / name)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "docker").write_text(FAKE_DOCKER)
        (tmp_path / "bin" / "docker").chmod(0o755)
        return tmp_path

    def pin(self, folder: Path) -> "subprocess.CompletedProcess[str]":
        path = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
        script = folder / "deploy" / "compose" / "pin-images"
        return subprocess.run([script], env=path, capture_output=True, text=True, check=False)

    def digest(self, image: str) -> str:
        return f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"

    def test_every_image_of_every_service_is_named_by_digest(self, folder: Path, services: dict[str, Any]) -> None:
        done = self.pin(folder)
        assert (done.returncode, done.stderr) == (0, "")
        require_valid(folder / "docker-compose.pinned.yml")
        pinned = parsed((folder / "docker-compose.pinned.yml").read_text())["services"]
        assert pinned.keys() == services.keys()
        for name, service in services.items():
            if "build" in service:
                (python,) = re.findall(r"^ARG PYTHON=(.+)$", read("Dockerfile"), re.MULTILINE)
                expected = self.digest(f"python:{python}").removeprefix("python:")
                assert pinned[name] == {"build": {"args": {"PYTHON": expected}}}
            else:
                assert pinned[name] == {"image": self.digest(service["image"])}

    def test_without_a_digest_nothing_is_written(self, folder: Path) -> None:
        (folder / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
        assert self.pin(folder).returncode != 0
        assert not (folder / "docker-compose.pinned.yml").exists()
