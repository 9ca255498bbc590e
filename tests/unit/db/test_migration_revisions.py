"""The revision files: their names give their order, and every target is a revision."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from db.migrations.revisions import Target, expected_head, known_revisions, revision_of
from db.migrations.runner import alembic_config


def test_the_names_of_the_revisions_give_their_order() -> None:
    assert list(known_revisions()) == sorted(known_revisions())


def test_the_targets_are_in_the_order_of_the_phases() -> None:
    revisions = [known_revisions().index(revision_of(target)) for target in Target]

    assert revisions == sorted(revisions)
    assert revision_of(Target.HEAD) == expected_head() == known_revisions()[-1]


@pytest.mark.parametrize("target", [target for target in Target if target is not Target.HEAD])
def test_a_phase_ends_with_the_revision_of_its_name(target: Target) -> None:
    assert revision_of(target).endswith(f"_{target}")


def test_a_revision_has_the_name_of_its_file_and_a_description() -> None:
    for revision in ScriptDirectory.from_config(alembic_config()).walk_revisions():
        assert Path(revision.path).stem == revision.revision
        assert revision.doc.endswith(".")


def test_the_revisions_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known_revisions.cache_clear()

    assert known_revisions()[0] == "0001_legacy"
