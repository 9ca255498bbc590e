"""Refused webhooks through a real web process: every webhook of a flood is counted, with few writes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.storm import Web
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

FLOOD = 300


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=5, invoices=5, latency_seconds=0.0) as processes:
        yield processes


@pytest.mark.slow
def test_the_last_of_a_flood_is_counted_without_another_request(under_way: UnderWay) -> None:
    connected = under_way.installation.connect().json
    web = Web.started(under_way.installation, connected)
    with httpx.Client(trust_env=False) as http:
        for _ in range(FLOOD):
            assert http.post(web.url, headers={"X-Booksync-Secret": "wrong"}).status_code == 401
    eventually(lambda: under_way.look("SELECT webhooks_refused FROM booksync.zoho_connections") == [(FLOOD,)])
    status = under_way.installation.run("status")
    assert f"{FLOOD} webhooks refused since " in status.stdout
