"""The Procfile, the documents of the settings and the locked packages match the code and each other."""

import re
import tomllib

import pytest

from tests.deployment_files import MOST_CONNECTIONS, PROCESSES, read
from workers.boot.settings import Settings

LOCK_FILES = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


class TestProcfile:
    def test_contains_the_three_processes(self) -> None:
        lines = [line.partition(": ") for line in read("Procfile").splitlines()]
        address = "--host ${HOST:-127.0.0.1} --port ${PORT:-8000}"
        bounded = {"web": f"{PROCESSES['web']} --limit-concurrency {MOST_CONNECTIONS} {address}"}
        assert {name: command for name, _, command in lines} == PROCESSES | bounded


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
