"""CHANGELOG.md has the form of Keep a Changelog, and its newest release is the project's version."""

import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
RELEASES = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in HEADINGS[1:]]


def test_unreleased_changes_stand_first() -> None:
    assert HEADINGS[0] == "[Unreleased]"


def test_each_release_has_a_version_and_a_date_in_descending_order() -> None:
    assert all(RELEASES)
    found = [(tuple(map(int, each.groups()[:3])), date.fromisoformat(each.group(4))) for each in RELEASES if each]
    assert all(newer[0] > older[0] and newer[1] >= older[1] for newer, older in pairwise(found))


def test_the_newest_release_is_the_projects_version() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert HEADINGS[1].startswith(f"[{version}] - ")
