"""Revisions are frozen: they import no live rule, and their files do not change."""

from alembic.script import ScriptDirectory

from db.migrations.revisions import known_revisions
from db.migrations.runner import alembic_config
from tests.tables import table
from tests.unit.db.frozen_revisions import ROOT, digest, frozen_files, modules, pins

#: Live code of the migrations, which runs the revisions or reads their results.
LIVE = {
    "db.legacy.adoption",
    "db.legacy.script",
    "db.legacy.present_phone_rule",
    "db.legacy.report",
    "db.migrations.revisions",
    "db.migrations.runner",
    "db.migrations.server",
    "db.migrations.turn",
    "db.migrations.unfinished",
}


def test_a_revision_imports_only_modules_of_the_migrations() -> None:
    assert [name for name in modules() if not name.startswith(("db.legacy.", "db.migrations."))] == []


def test_every_module_of_the_migrations_is_either_live_or_frozen() -> None:
    all_modules = {
        f"db.{package}.{path.stem}"
        for package in ("legacy", "migrations")
        for path in (ROOT / "db" / package).glob("*.py")
        if path.stem != "__init__"
    }

    assert all_modules - modules().keys() <= LIVE
    assert not LIVE & modules().keys()


@table("name", [str(path.relative_to(ROOT)) for path in frozen_files()])
def test_a_frozen_file_has_not_changed(name: str) -> None:
    assert name in pins(), f"{name} is new: pin it with `python -m tests.unit.db.frozen_revisions`"
    assert digest(ROOT / name) == pins()[name], (
        f"{name} has changed, but it has run on databases: undo the change, and write a new revision instead"
    )


def test_no_frozen_file_is_missing() -> None:
    assert pins().keys() <= {str(path.relative_to(ROOT)) for path in frozen_files()}


def test_the_names_of_the_files_tell_the_order_of_the_revisions() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert list(known_revisions()) == [each.revision for each in reversed(list(script.walk_revisions()))]
