"""The deployment files match the design, the code and each other."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.fernet import Fernet

from workers.boot.settings import Settings

ROOT = Path(__file__).parents[2]

PROCESSES = {
    "web": "uvicorn workers.web.app:app",
    "worker": "dramatiq workers.main",
    "scheduler": "booksync scheduler",
}
#: Connections of one web process. Many shells limit a process to 1,024 descriptors.
MOST_CONNECTIONS = "800"
SERVERS = {"postgres", "valkey"}
#: Python folders that the production image does not contain.
NOT_SHIPPED = {"sandbox", "tests", "benchmarks"}
LOCK_FILES = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = yaml.safe_load(read("docker-compose.yml"))["services"]
    assert isinstance(services, dict)
    return services


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def seconds(duration: str) -> int:
    match = re.fullmatch(r"(\d+)s", duration)
    assert match is not None, f"{duration} is not a number of seconds"
    return int(match[1])


class TestProcfile:
    def test_contains_the_three_processes(self) -> None:
        lines = [line.partition(": ") for line in read("Procfile").splitlines()]
        address = "--host ${HOST:-127.0.0.1} --port ${PORT:-8000}"
        bounded = {"web": f"{PROCESSES['web']} --limit-concurrency {MOST_CONNECTIONS} {address}"}
        assert {name: command for name, _, command in lines} == PROCESSES | bounded


class TestCompose:
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

    @pytest.mark.parametrize(
        ("name", "role"), {"migrate": "owner", "web": "web", "worker": "worker", "scheduler": "worker"}.items()
    )
    def test_each_process_has_its_own_role_and_secrets(self, services: dict[str, Any], name: str, role: str) -> None:
        environment, secrets = services[name]["environment"], services[name]["secrets"]
        files = {variable: value for variable, value in environment.items() if variable.endswith("_FILE")}
        assert files["DATABASE_URL_FILE"] == f"/run/secrets/database_url_{role}"
        assert sorted(files.values()) == sorted(f"/run/secrets/{secret}" for secret in secrets)
        # Every variable without a file is emptied, so that no secret of .env counts.
        assert {environment[variable.removesuffix("_FILE")] for variable in files} == {""}
        assert all(Settings.model_fields[variable.removesuffix("_FILE").lower()] for variable in files)

    def test_only_the_web_process_has_the_consoles_password(self, services: dict[str, Any]) -> None:
        assert [name for name in services if "console_password" in services[name].get("secrets", [])] == ["web"]

    def test_every_secret_is_made_by_the_script(self, tmp_path: Path) -> None:
        compose = yaml.safe_load(read("docker-compose.yml"))
        subprocess.run([ROOT / "deploy" / "compose" / "make-secrets", tmp_path / "made"], check=True)
        made = {path.name for path in (tmp_path / "made").iterdir()}
        assert made == {*compose["secrets"], "role_passwords.sql", "sender_password"}
        before = {path: path.read_text() for path in (tmp_path / "made").iterdir()}
        subprocess.run([ROOT / "deploy" / "compose" / "make-secrets", tmp_path / "made"], check=True)
        assert {path: path.read_text() for path in (tmp_path / "made").iterdir()} == before
        Fernet(before[tmp_path / "made" / "encryption_keys"].strip())
        assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700

    def test_the_secrets_belong_together(self, tmp_path: Path) -> None:
        subprocess.run([ROOT / "deploy" / "compose" / "make-secrets", tmp_path], check=True)
        passwords = (tmp_path / "role_passwords.sql").read_text()
        for role in ("owner", "worker", "web"):
            address = urlsplit((tmp_path / f"database_url_{role}").read_text())
            assert f"ALTER ROLE {address.username} PASSWORD '{address.password}';" in passwords
        redis = urlsplit((tmp_path / "redis_url").read_text())
        (line,) = re.findall(r"^user booksync on #(\w+) (.+)$", (tmp_path / "valkey_acl").read_text(), re.MULTILINE)
        assert line[0] == hashlib.sha256(f"{redis.password}".encode()).hexdigest()
        assert f"ACL SETUSER booksync on >PASSWORD {line[1]}\n" in read("docs/redis.md")


class TestExampleEnvironment:
    #: `NAME=value`, or `#NAME=default`; in a line of text a blank follows the #.
    VARIABLE = re.compile(r"^(?P<commented>#?)(?P<name>[A-Z_]+)=(?P<value>.*)$", re.MULTILINE)

    def variables(self, *, commented: bool) -> dict[str, str]:
        found = self.VARIABLE.finditer(read(".env.example"))
        return {match["name"]: match["value"] for match in found if bool(match["commented"]) is commented}

    def of_compose(self) -> set[str]:
        return set(re.findall(r"\$\{([A-Z_]+)", read("docker-compose.yml")))

    def test_names_every_setting_and_no_other(self) -> None:
        settings = {name.upper() for name in Settings.model_fields}
        assert self.variables(commented=False).keys() | self.variables(commented=True).keys() == (
            settings | self.of_compose()
        )

    def test_requires_only_settings_without_a_default(self) -> None:
        needed = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
        assert self.variables(commented=False).keys() - self.of_compose() == needed

    def test_shows_the_defaults(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        needed = {
            "DATABASE_URL": "postgresql://localhost/booksync",
            "REDIS_URL": "redis://localhost/0",
            "ZOHO_CLIENT_ID": "an id",
            "ZOHO_CLIENT_SECRET": "a secret",
            "ENCRYPTION_KEYS": "A" * 43 + "=",
        }
        for name, value in needed.items():
            monkeypatch.setenv(name, value)
        by_default = Settings()
        for name, value in self.variables(commented=True).items():
            monkeypatch.setenv(name, value)
        assert Settings() == by_default

    def test_contains_no_secret(self) -> None:
        values = self.variables(commented=False) | self.variables(commented=True)
        secrets = {"ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ENCRYPTION_KEYS", "CONSOLE_PASSWORD"}
        assert {values[name] for name in secrets} == {""}

    def test_explains_every_variable(self) -> None:
        for block in read(".env.example").split("\n\n"):
            if self.VARIABLE.search(block):
                assert block.startswith("# "), f"this variable has no explanation: {block}"


class TestSettingsDocument:
    def test_lists_every_setting_with_its_default(self) -> None:
        rows = re.findall(r"^\| `([A-Z_]+)` \| (\S+) \| .+ \|$", read("docs/settings.md"), re.MULTILINE)
        fields = Settings.model_fields
        told = {name.upper(): "needed" if field.is_required() else field.default for name, field in fields.items()}
        assert dict(rows) == {name: "none" if default in (None, ()) else f"{default}" for name, default in told.items()}


class TestImage:
    def copied(self) -> set[str]:
        copies = re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
        return {name for names in copies for name in names.split()}

    def test_contains_every_shipped_package_and_the_migrations(self) -> None:
        packages = {init.parent.name for init in ROOT.glob("*/__init__.py")} - NOT_SHIPPED
        assert {name for name in self.copied() if (ROOT / name).is_dir()} == packages | {"alembic"}

    def test_build_context_contains_only_copied_files(self) -> None:
        rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
        assert rules[0] == "*"
        assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == self.copied()

    def test_does_not_run_as_root(self) -> None:
        users = re.findall(r"^USER (.+)$", read("Dockerfile"), re.MULTILINE)
        assert len(users) == 1
        # A number, from which an orchestrator can see that the user is not root.
        assert int(users[0]) > 0

    def test_every_package_in_it_has_a_known_hash(self) -> None:
        installs = [
            option(words, "--requirement")
            for line in read("Dockerfile").splitlines()
            if (words := line.split()) and "install" in words and "--require-hashes" in words
        ]
        assert installs == ["/build/requirements.txt", "/build/requirements-build.txt"]
        (own,) = (line for line in read("Dockerfile").splitlines() if " install " in line and "--require" not in line)
        assert "--no-index --no-deps" in own

    def test_passes_signals_to_its_process(self) -> None:
        (command,) = re.findall(r"^CMD (.+)$", read("Dockerfile"), re.MULTILINE)
        assert command.startswith("[")


def locked(name: str) -> dict[str, str]:
    """Package → version; fails on a line without a pinned version and hashes."""
    text = re.sub(r"^\s*#.*\n", "", read(name), flags=re.MULTILINE).replace("\\\n", " ")
    versions = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([a-z0-9-]+)==(\S+)(?: ; .+?)?((?:\s+--hash=\S+)+)", line)
        assert match is not None, f"{name} has a line that is not a hashed pin: {line[:60]}"
        assert all(HASH.fullmatch(word) for word in match[3].split())
        versions[match[1]] = match[2]
    return versions


def normalized(requirement: str) -> str:
    """`Psycopg[binary]>=3` → `psycopg`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


class TestLockFiles:
    @pytest.mark.parametrize("name", LOCK_FILES)
    def test_contain_only_hashed_pins(self, name: str) -> None:
        assert locked(name)

    @pytest.mark.parametrize("name", LOCK_FILES)
    def test_contain_no_address_and_no_choice_of_a_registry(self, name: str) -> None:
        assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", read(name))

    def test_agree_with_each_other(self) -> None:
        production, development, build = (locked(name) for name in LOCK_FILES)
        assert production.items() < development.items()
        assert build.items() < development.items()

    def test_pin_every_requirement_of_the_project(self) -> None:
        named = tomllib.loads(read("pyproject.toml"))
        project = named["project"]
        production, development, build = (locked(name) for name in LOCK_FILES)
        assert {normalized(name) for name in named["build-system"]["requires"]} <= build.keys()
        assert {normalized(name) for name in project["dependencies"]} <= production.keys()
        assert {normalized(name) for name in project["optional-dependencies"]["dev"]} <= development.keys()
