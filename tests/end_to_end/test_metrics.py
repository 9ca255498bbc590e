"""The metrics of running processes, and the documents, rules and panels that name them."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from sandbox.servers.ports import free_port
from tests.end_to_end.installation import PROJECT, Installation
from tests.end_to_end.underway import eventually
from tests.end_to_end.web import start_web
from tests.integration.db.look import WITHOUT_COPIES

DEPLOY = PROJECT / "deploy"
DOCUMENT = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")

#: Metric name → names of its labels.
Names = Mapping[str, frozenset[str]]

_SELECTOR = re.compile(r"(booksync_[a-z_]+)(?:\{([^}]*)\})?")


@pytest.fixture
def metrics_address(installation: Installation, connection_id: str, database: psycopg.Connection) -> str:
    """An installation that has synced, received webhooks, and has rows of every kind that is measured."""
    database.execute(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now()")
    synced = installation.run("sync", connection_id, "--full", "--wait", "--json")
    assert synced.code == 0, synced.stderr
    database.execute(
        "INSERT INTO booksync.waiting_invoices"
        " (user_id, connection_id, zoho_invoice_id, zoho_customer_id, reason, is_open, invoice, observed_at)"
        " SELECT user_id, id, '1', '2', 'customer_gone', true, '{}', now() FROM booksync.zoho_connections"
    )
    database.execute(
        "INSERT INTO booksync.held_deletions (connection_id, kind, record_id, evidence)"
        " SELECT connection_id, 'invoice', zoho_invoice_id, 'missing' FROM invoices_cache LIMIT 1"
    )
    origin = start_web(installation, free_port())
    shown = installation.run("webhook", "show", connection_id, "--json").json
    with httpx.Client(trust_env=False) as http:
        path = httpx.URL(shown["webhook_url"]).path
        event = {"contact_id": "460000000026049"}
        right = {shown["secret_headers"][0]: shown["webhook_secret"]}
        assert http.post(f"{origin}{path}", json=event, headers=right).status_code == 202
        assert http.post(f"{origin}{path}", json=event).status_code == 401
    return f"{origin}/metrics"


def scrape(address: str) -> str:
    return httpx.get(address, trust_env=False, timeout=30).text


def samples(text: str) -> Mapping[tuple[str, ...], float]:
    """Name and values of the labels, in the order of their names → value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names_of(text: str) -> Names:
    """The series of a scrape, as expressions name them."""
    found: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | frozenset(sample.labels)
    return found


def documented() -> Names:
    """The metrics of the tables in docs/operations.md, in the form `booksync_name{label,label}`."""
    section = DOCUMENT.partition("\n### Counters\n")[2].partition("\n## ")[0]
    named = re.findall(r"`(booksync_[a-z_]+)(?:\{([a-z,]+)\})?`", section)
    found: dict[str, frozenset[str]] = {}
    for name, labels in named:
        found[name] = found.get(name, frozenset()) | frozenset(labels.split(",") if labels else ())
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression is, and the expression."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "booksync.rules.yml").read_text())["groups"]
    for rule in group["rules"]:
        yield rule["alert"], rule["expr"]
        for label in re.findall(r"\$labels\.([a-z]+)", rule["annotations"]["summary"]):
            yield rule["alert"], f"{_SELECTOR.findall(rule['expr'])[0][0]}{{{label}=''}}"
    board: dict[str, Any] = json.loads((DEPLOY / "grafana" / "booksync.json").read_text())
    for panel in board["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    alarms = DOCUMENT.partition("\n## What to watch\n")[2].partition("\n### Processes\n")[0]
    for text in re.findall(r"`([^`]*booksync_[a-z][^`]*)`", alarms):
        yield "docs/operations.md", text.replace("\\|", "|")


def unknown_names(expression: str, known: Names) -> list[str]:
    """The metrics and labels of an expression that no scrape has."""
    selected = [each for each in _SELECTOR.findall(expression) if not each[0].startswith("booksync_worker_")]
    wrong = [name for name, _ in selected if name not in known]
    for name, matchers in selected:
        labels = re.findall(r"([a-z]+)\s*(?:=~|!~|!=|=)", matchers)
        wrong += [f"{name}{{{label}}}" for label in labels if label not in known.get(name, ())]
    grouped = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
    labels_of_all = frozenset().union(*(known.get(name, frozenset()) for name, _ in selected))
    return wrong + sorted(grouped - labels_of_all)


@pytest.mark.slow
def test_documents_rules_and_panels_name_what_running_processes_report(
    metrics_address: str, installation: Installation, tmp_path: Path
) -> None:
    counted = {
        ("booksync_webhook_requests_total", "202"),
        ("booksync_webhook_requests_total", "401"),
        ("booksync_webhook_seconds_count", "202"),
        ("booksync_call_seconds_count", "contacts"),
        ("booksync_call_seconds_count", "token"),
        ("booksync_step_seconds_count", "contacts"),
        ("booksync_step_seconds_count", "reminders"),
    }
    eventually(lambda: {each for each in counted if not samples(scrape(metrics_address))[each]} == set())
    text = scrape(metrics_address)
    assert samples(text)["booksync_redis_used_memory_bytes",] > 0
    known = names_of(text)

    reported = {
        name: labels - {"le"} for name, labels in known.items() if not name.endswith(("_bucket", "_sum", "_created"))
    }
    histograms = {name.removesuffix("_count") for name in known if name.endswith("_count")}
    reported = {
        name.removesuffix("_count") if name.removesuffix("_count") in histograms else name: labels
        for name, labels in reported.items()
    }
    assert documented() == reported

    wrong = {(place, each) for place, expression in expressions() for each in unknown_names(expression, known)}
    assert wrong == set()
    assert len(list(expressions())) > 60

    values = {value for key in samples(text) for value in key[1:]}
    secrets = (installation.environment["ENCRYPTION_KEYS"], installation.environment["ZOHO_CLIENT_SECRET"])
    assert not any(secret in value for secret, value in product(secrets, values))
    assert len(samples(text)) < 1_000, "the number of series does not grow with the work"
