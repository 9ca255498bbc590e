"""The Dockerfile: what is in the image, and what the linter of Dockerfiles says."""

import re

from tests.deployment_files import ROOT, checked, option, read

#: Python folders that the production image does not contain.
NOT_SHIPPED = {"sandbox", "tests", "benchmarks"}


def copied() -> set[str]:
    """The files of the build context that the image's build copies."""
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
    return {name for names in copies for name in names.split()}


def test_contains_every_shipped_package_and_the_migrations() -> None:
    packages = {init.parent.name for init in ROOT.glob("*/__init__.py")} - NOT_SHIPPED
    assert {name for name in copied() if (ROOT / name).is_dir()} == packages | {"alembic"}


def test_build_context_contains_only_copied_files() -> None:
    rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied()


def test_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", read("Dockerfile"), re.MULTILINE)
    assert len(users) == 1
    # A number, from which an orchestrator can see that the user is not root.
    assert int(users[0]) > 0


def test_every_package_in_it_has_a_known_hash() -> None:
    installs = [
        option(words, "--requirement")
        for line in read("Dockerfile").splitlines()
        if (words := line.split()) and "install" in words and "--require-hashes" in words
    ]
    assert installs == ["/build/requirements.txt", "/build/requirements-build.txt"]
    (own,) = (line for line in read("Dockerfile").splitlines() if " install " in line and "--require" not in line)
    assert "--no-index --no-deps" in own


def test_passes_signals_to_its_process() -> None:
    (command,) = re.findall(r"^CMD (.+)$", read("Dockerfile"), re.MULTILINE)
    assert command.startswith("[")


def test_the_linter_accepts_it() -> None:
    assert checked("hadolint", "--failure-threshold", "style", ROOT / "Dockerfile") == ""
