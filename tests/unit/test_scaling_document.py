"""docs/scaling.md and docs/operations.md: the connections to Postgres are those of the pools in the code."""

import re
from pathlib import Path

from db.engine import most_connections
from workers.services import background_verification
from workers.services.kept import MOST_AT_ONCE
from workers.web.app import PATIENT_POOL_SIZE

DOCS = Path(__file__).resolve().parents[2] / "docs"

REQUESTS = most_connections()
PATIENT = most_connections(PATIENT_POOL_SIZE)
VERIFICATION = most_connections(background_verification.POOL_SIZE)

#: The most connections to Postgres that one process of each kind opens.
MOST_OF_PROCESS = {
    "worker": most_connections(),
    "scheduler": most_connections(),
    "web": REQUESTS + PATIENT + background_verification.MOST_AT_ONCE * VERIFICATION,
}


def test_the_document_has_the_connections_of_each_process() -> None:
    document = (DOCS / "scaling.md").read_text()
    rows = dict(re.findall(r"^\| (worker|scheduler|web) \| (\d+) \|", document, re.MULTILINE))
    assert {name: int(most) for name, most in rows.items()} == MOST_OF_PROCESS
    assert f"{REQUESTS} for requests, {PATIENT} for counts" in document
    assert f"{VERIFICATION} for each of two verifications" in document
    assert background_verification.MOST_AT_ONCE == 2


def test_the_totals_are_the_sums_of_their_processes() -> None:
    (totals,) = re.findall(
        r"^\| connections to Postgres, at most \| (\d+) \| (\d+) to (\d+) \|",
        (DOCS / "scaling.md").read_text(),
        re.MULTILINE,
    )
    (workers,) = re.findall(
        r"^\| worker processes of 8 threads \| (\d+) \| (\d+) to (\d+),",
        (DOCS / "scaling.md").read_text(),
        re.MULTILINE,
    )
    least = [sum_of(int(number), schedulers) for number, schedulers in zip(workers, (1, 1, 2), strict=True)]
    assert [int(total) for total in totals] == least


def sum_of(workers: int, schedulers: int) -> int:
    """The connections of these processes and of one web process."""
    of = MOST_OF_PROCESS
    return workers * of["worker"] + schedulers * of["scheduler"] + of["web"]


def test_poolers_are_told_the_same_figures() -> None:
    document = " ".join((DOCS / "operations.md").read_text().split())
    most = f"{MOST_OF_PROCESS['worker']} for each worker and scheduler process, {MOST_OF_PROCESS['web']} for each web"
    assert most in document


def test_the_counts_leave_connections_for_actions() -> None:
    # Of the three kinds of counts, the list of all connections is made once at a time.
    assert 2 * MOST_AT_ONCE + 1 < PATIENT
