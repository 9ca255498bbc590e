"""What a process loads: no library that takes long before it is needed, and no live rule for a frozen revision."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.snapshots import SYNCED, Snapshots

ROOT = Path(__file__).parents[2]

#: Libraries that take long to load, and that neither a list of commands nor a version needs.
HEAVY = {"alembic", "dramatiq", "holidays", "httpx", "psycopg", "redis", "sqlalchemy", "uvicorn"}

#: What `status` does not need: other libraries, other parts of the libraries that it uses, and the models.
NOT_OF_STATUS = {
    "alembic",
    "db.models",
    "dramatiq",
    "fastapi",
    "holidays",
    "httpx",
    "phonenumbers",
    "pycountry",
    "redis.asyncio.client",
    "redis.asyncio.cluster",
    "sqlalchemy.orm",
    "uvicorn",
    "workers.zoho",
}


def modules_loaded_by(program: str) -> set[str]:
    """The modules that a new process has loaded after the program, which may print and exit."""
    told = "import sys\ntry:\n    {}\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    code = told.format(program.replace("\n", "\n    "))
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.slow
def test_names_are_read_without_loading_the_worlds_area_codes() -> None:
    loaded = modules_loaded_by(
        'from domain.countries import country_code, unknown_country\nassert country_code("", "Deutschland") == "DE"'
    )
    assert "phonenumbers.geodata" not in loaded


def test_a_code_is_read_without_loading_any_library_of_names() -> None:
    loaded = modules_loaded_by('from domain.countries import country_code\nassert country_code("IN", "") == "IN"')
    assert not {"pycountry", "babel"} & loaded


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_list_of_commands_and_the_version_load_no_heavy_library(option: str) -> None:
    loaded = modules_loaded_by(f"sys.argv = ['booksync', '{option}']\nfrom workers.cli import main\nmain()")
    assert "workers.cli" in loaded
    assert not HEAVY & loaded


@pytest.mark.slow
@pytest.mark.parametrize("words", [["status"], ["status", "--help"]])
def test_the_status_loads_only_what_it_needs(
    words: list[str], snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    with snapshots.copied(SYNCED, monkeypatch):
        loaded = modules_loaded_by(f"sys.argv = {['booksync', *words]}\nfrom workers.cli import main\nmain()")
    assert "workers.cli.status" in loaded
    assert not NOT_OF_STATUS & loaded


def test_a_deferred_module_is_executed_at_its_first_use() -> None:
    loaded = modules_loaded_by(
        "from workers.cli.deferred_modules import defer_modules\n"
        "defer_modules()\n"
        "import redis, redis.asyncio\n"
        "assert 'redis.asyncio.client' not in sys.modules\n"
        "assert redis.asyncio.Redis is redis.asyncio.client.Redis"
    )
    assert "redis.asyncio.client" in loaded


@pytest.mark.slow
def test_loading_every_revision_loads_no_rule_of_the_domain() -> None:
    loaded = modules_loaded_by(
        'from alembic.script import ScriptDirectory\nassert list(ScriptDirectory("alembic").walk_revisions())'
    )
    assert "alembic" in loaded
    assert not {name for name in loaded if name.split(".")[0] in ("domain", "workers")}
