"""deploy/: the units, manifests, rules and board are valid, and agree with docker-compose.yml and the docs."""

import configparser
import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.deployment_files import ROOT, checked, compose, documents, parsed, read
from tests.programs import needed_program

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
RULES = DEPLOY / "prometheus" / "booksync.rules.yml"
OPERATIONS = read("docs/operations.md")

SERVICES: dict[str, Any] = compose()["services"]
PROCESSES = {"web", "worker", "scheduler", "migrate"}

#: The name of a program of booksync → its process.
_PROGRAMS = {
    "uvicorn": "web",
    "booksync worker": "worker",
    "booksync scheduler": "scheduler",
    "booksync migrate": "migrate",
}


def process_of(command: str) -> str:
    return next(process for program, process in _PROGRAMS.items() if command.startswith(program))


def manifests() -> list[dict[str, Any]]:
    """Every object of the Kubernetes manifests."""
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    found = [each for file in files for each in documents(file.read_text())]
    return [each for each in found if each["kind"] != "Kustomization"]


def name_of(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def pods(objects: list[dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
    """The pods of the objects, by default of all manifests, by their process."""
    with_pods = [each for each in objects or manifests() if "template" in each.get("spec", {})]
    specs = [each["spec"]["template"]["spec"] for each in with_pods]
    return {process_of(" ".join(spec["containers"][0]["command"])): spec for spec in specs}


def unit(path: Path) -> configparser.ConfigParser:
    # Not strict, because an option may be repeated, as EnvironmentFile is.
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def rules() -> list[dict[str, Any]]:
    (group,) = parsed(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


class TestUnits:
    def test_there_is_one_for_each_process(self) -> None:
        commands = [unit(path)["Service"]["ExecStart"].removeprefix("/opt/booksync/bin/") for path in UNITS]
        assert sorted(map(process_of, commands)) == sorted(PROCESSES)

    def test_systemd_accepts_them(self, tmp_path: Path) -> None:
        analyze = needed_program("systemd-analyze")
        for path in UNITS:
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE)
            (tmp_path / path.name).write_text(text, encoding="utf-8")
        verified = subprocess.run(
            [analyze, "verify", *sorted(tmp_path.glob("*.service"))], capture_output=True, text=True, check=False
        )
        assert (verified.returncode, verified.stderr) == (0, "")

    @pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
    def test_systemd_takes_them_for_hardened(self, path: Path) -> None:
        analyze = needed_program("systemd-analyze")
        # 10 is unprotected, 0 is not reachable for a process that uses the network; "OK" ends at 4.9.
        examined = subprocess.run(
            [analyze, "security", "--offline=true", "--threshold=25", path], capture_output=True, text=True, check=False
        )
        assert examined.returncode == 0, examined.stdout

    def test_the_worker_gets_as_much_time_to_stop_as_in_compose(self) -> None:
        (worker,) = (path for path in UNITS if "worker" in path.name)
        assert f"{unit(worker)['Service']['TimeoutStopSec']}s" == SERVICES["worker"]["stop_grace_period"]


class TestManifests:
    def test_kustomize_builds_them(self) -> None:
        built = documents(checked("kubectl", "kustomize", DEPLOY / "kubernetes"))
        assert sorted(map(name_of, built)) == sorted(map(name_of, manifests()))
        for each in built:
            kubernetes_validate.validate(each, "1.37", strict=True)
            assert each["metadata"].get("namespace") == (None if each["kind"] == "Namespace" else "booksync")
        images = {container["image"] for pod in pods(built).values() for container in pod["containers"]}
        assert images == {f"registry.example.com/booksync:{version('booksync')}"}

    def test_kustomize_lists_every_file(self) -> None:
        listed = parsed((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
        files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
        assert set(listed) == files - {"kustomization.yaml"}

    def test_there_is_a_pod_for_each_process(self) -> None:
        assert pods().keys() == PROCESSES

    @pytest.mark.parametrize("process", sorted(PROCESSES))
    def test_a_pod_may_nothing_that_it_does_not_need(self, process: str) -> None:
        pod = pods()[process]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() == {"memory"}

    @pytest.mark.parametrize("process", sorted(PROCESSES - {"migrate"}))
    def test_a_lasting_process_has_probes_and_a_disruption_budget(self, process: str) -> None:
        (container,) = pods()[process]["containers"]
        assert container["livenessProbe"].keys() & {"httpGet", "exec"}
        if process == "web":
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        else:
            assert container["livenessProbe"]["exec"]["command"] == SERVICES[process]["healthcheck"]["test"][1:]
        budgets = {each["metadata"]["name"] for each in manifests() if each["kind"] == "PodDisruptionBudget"}
        assert f"booksync-{process}" in budgets

    @pytest.mark.parametrize("manifest", manifests(), ids=name_of)
    def test_kubernetes_accepts_each_object(self, manifest: dict[str, Any]) -> None:
        kubernetes_validate.validate(manifest, "1.37", strict=True)

    def test_each_selector_finds_pods(self) -> None:
        specs = [(each["metadata"]["name"], each.get("spec", {})) for each in manifests()]
        labels = [spec["template"]["metadata"]["labels"] for _, spec in specs if "template" in spec]
        for name, spec in specs:
            selector = spec.get("selector", {}) or spec.get("podSelector", {})
            selected = selector.get("matchLabels", selector)
            assert not selected or selected in labels, name

    def test_the_worker_gets_as_much_time_to_stop_as_in_compose(self) -> None:
        grace = pods()["worker"]["terminationGracePeriodSeconds"]
        assert f"{grace}s" == SERVICES["worker"]["stop_grace_period"]


class TestRules:
    def test_prometheus_accepts_them(self) -> None:
        promtool = needed_program("promtool")
        checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr

    def test_they_fire_when_they_should(self) -> None:
        promtool = needed_program("promtool")
        tested = subprocess.run(
            [promtool, "test", "rules", "booksync.rules.test.yml"],
            cwd=RULES.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert tested.returncode == 0, tested.stdout + tested.stderr

    def test_they_are_the_alarms_of_the_document(self) -> None:
        (alarms,) = re.findall(r"\| alarm \|.*?\n\n", OPERATIONS, re.DOTALL)
        rows = alarms.strip().splitlines()[2:]
        documented = [
            re.findall(r"`(booksync_[^`]+|(?:min|max|sum|count|increase|histogram)[^`]+)`", row)[0] for row in rows
        ]
        expressions = [rule["expr"] for rule in rules()]
        assert len(rows) == len(expressions)
        for text in documented:
            metric = re.findall(r"booksync_[a-z_]+", text)[0]
            assert any(metric in expression for expression in expressions), text
            if " > " in text or " == " in text:
                assert text.replace("\\|", "|") in expressions

    @pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
    def test_each_leads_to_a_section_of_the_document(self, rule: dict[str, Any]) -> None:
        document, anchor = rule["annotations"]["runbook"].split("#")
        assert document == "docs/operations.md"
        headings = re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-").replace("'", "") for heading in headings}


class TestBoard:
    @pytest.fixture
    def panels(self) -> list[dict[str, Any]]:
        board = json.loads((DEPLOY / "grafana" / "booksync.json").read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = board["panels"]
        return found

    def test_each_panel_has_its_own_place_and_a_query(self, panels: list[dict[str, Any]]) -> None:
        cells = [
            (x, y)
            for panel in panels
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells))
        assert all(target["expr"] for panel in panels for target in panel["targets"])

    def test_prometheus_accepts_each_query(self, panels: list[dict[str, Any]], tmp_path: Path) -> None:
        promtool = needed_program("promtool")
        queries = [target["expr"] for panel in panels for target in panel["targets"]]
        recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
        (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": recorded}]}))
        done = subprocess.run(
            [promtool, "check", "rules", tmp_path / "board.yml"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
