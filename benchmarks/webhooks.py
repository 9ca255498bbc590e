"""The time from a webhook to the committed row, and the webhooks per second: `python -m benchmarks.webhooks`.

Exit code 1: a bound is broken. The simulator has no latency. The one worker process has no other work, then first syncs
of eight other organisations. `--samples 30 --seconds 2` is a quick run.
"""

import argparse
import http.client
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from urllib.parse import urlsplit

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.first_syncs import connect, start
from benchmarks.installation import Servers, installed, running_servers, shown_progress, unthrottled_simulator
from benchmarks.programs import await_workers, running, running_workers
from benchmarks.promises import Promise, exit_code, percentile_ms, verdicts
from db import webhook_secrets
from db.secrets import Place, SecretName
from sandbox.servers.ports import free_port
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.webhooks import signed_json
from workers.boot.resources import Resources

P50_MS, P99_MS = 50, 150
#: While first syncs of other organisations keep the worker process busy.
BUSY_P99_MS = 1_000

CONTACTS = 300
SYNCS = 8
#: The records of each organisation, for syncs that last for some hundred webhooks.
BUSY_CONTACTS, BUSY_INVOICES = 3_000, 7_200
SENDERS = 8

#: The precision of the moment of a commit.
_LOOK_SECONDS = 0.001
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Hook:
    """The web process of one connection."""

    host: str
    path: str
    secret: str

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=_PATIENCE_SECONDS)

    def send(self, connection: http.client.HTTPConnection, document: object) -> None:
        body, headers = signed_json(self.secret, document)
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"the web process returned {answer.status}")


@dataclass(frozen=True)
class Taken:
    """The times from the webhooks of a steady stream to their 202, in seconds, and the rate per second."""

    seconds: Sequence[float]
    per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.webhooks", description="Webhooks, received and fetched."
    )
    parser.add_argument("--samples", type=int, default=300, help="webhooks sent one by one (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of sending as fast as possible (%(default)s)")
    options = parser.parse_args()
    console = Console()
    with running_servers() as servers, shown_progress(console) as progress:
        with (
            unthrottled_simulator(contacts=CONTACTS, invoices=0) as zoho,
            installed(servers, zoho) as resources,
            _web(bench := _synced(resources, zoho)) as hook,
        ):
            with running_workers(processes=1, threads=4) as master:
                await_workers(master.pid, 1)
                samples = progress.track(range(options.samples), description="Webhook to committed row")
                to_rows = _to_committed_rows(bench, hook, samples)
            taken = _as_fast_as_possible(bench, hook, options.seconds, progress)
        beside = _beside_first_syncs(servers, progress)
    promises = [
        Promise("webhook to committed row, p50", percentile_ms(to_rows, 50), P50_MS, " ms", is_most=True),
        Promise("webhook to committed row, p99", percentile_ms(to_rows, 99), P99_MS, " ms", is_most=True),
        Promise(f"beside {SYNCS} first syncs, p99", percentile_ms(beside, 99), BUSY_P99_MS, " ms", is_most=True),
    ]
    console.print(_table(to_rows, beside, taken), verdicts(promises))
    sys.exit(exit_code(promises))


def _synced(resources: Resources, zoho: SandboxControl) -> Bench:
    bench = Bench.connected(resources, zoho)
    bench.sync()
    return bench


def _beside_first_syncs(servers: Servers, progress: Progress) -> Sequence[float]:
    """As `_to_committed_rows`, as long as one worker process makes first syncs of all of the other organisations."""
    with (
        unthrottled_simulator(contacts=BUSY_CONTACTS, invoices=BUSY_INVOICES, organizations=1 + SYNCS) as zoho,
        installed(servers, zoho) as resources,
        _web(bench := _synced(resources, zoho)) as hook,
        running_workers(processes=1) as master,
    ):
        others = [each for each in zoho.organization_ids() if each != zoho.organization_id]
        connections = [connect(resources, zoho.url, each) for each in others]
        await_workers(master.pid, 1)
        for connection_id in connections:
            start(resources, connection_id)
        samples = takewhile(lambda _: _are_all_running(bench), count())
        return _to_committed_rows(bench, hook, progress.track(samples, description=f"Beside {SYNCS} first syncs"))


def _are_all_running(bench: Bench) -> bool:
    return len(bench.rows("SELECT FROM booksync.sync_runs WHERE status = 'running'")) == SYNCS


@contextmanager
def _web(bench: Bench) -> Iterator[Hook]:
    with bench.resources.engine.connect() as db:
        stored = webhook_secrets.find(db, bench.connection_id)
    assert stored is not None
    host = f"127.0.0.1:{free_port()}"
    address = urlsplit(f"//{host}")
    with running("uvicorn", "workers.web.app:app", "--host", "127.0.0.1", "--port", str(address.port)):
        place = Place(SecretName.WEBHOOK_SECRET, bench.connection_id)
        hook = Hook(host, f"/webhooks/zoho/{bench.connection_id}", bench.resources.vault.decrypt(stored.current, place))
        _await_web(hook)
        yield hook


def _await_web(hook: Hook) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        connection = hook.connect()
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
            return
        except OSError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def _to_committed_rows(bench: Bench, hook: Hook, samples: Iterable[int]) -> Sequence[float]:
    """Seconds from the request to the row's visibility in another session; one webhook at a time."""
    customers = sorted(bench.customers())
    connection = hook.connect()
    url = bench.resources.settings.database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as database:
        # After one finished webhook, the worker has started and has its connections.
        _until_row(bench, hook, connection, database, customers.pop(), -1)
        seconds = []
        for sample in samples:
            # The moments are random, because fixed intervals could coincide with a timer of the worker.
            time.sleep(random.uniform(0.15, 0.3))
            seconds.append(_until_row(bench, hook, connection, database, customers[sample % len(customers)], sample))
    connection.close()
    return seconds


def _until_row(
    bench: Bench,
    hook: Hook,
    connection: http.client.HTTPConnection,
    database: psycopg.Connection,
    customer: str,
    sample: int,
) -> float:
    name = f"Renamed {sample}"
    bench.zoho.edit_contact(customer, contact_name=name)
    began = time.monotonic()
    hook.send(connection, {"contact": {"contact_id": customer}})
    look = "SELECT 1 FROM booksync.customers_cache WHERE zoho_customer_id = %s AND customer_name = %s"
    while database.execute(look, [customer, name]).fetchone() is None:
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise RuntimeError("the row was never written")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


def _as_fast_as_possible(bench: Bench, hook: Hook, seconds: float, progress: Progress) -> Taken:
    """Several senders, each with its own connection, for many contacts in turn; without a worker."""
    customers = sorted(bench.customers())
    task = progress.add_task("Webhooks as fast as possible", total=1)
    ends_at = time.monotonic() + seconds

    def send(sender: int) -> list[float]:
        took = []
        connection = hook.connect()
        number = sender
        while (began := time.monotonic()) < ends_at:
            number += SENDERS
            record = {"contact_id": customers[number % len(customers)], "last_modified_time": "", "number": number}
            hook.send(connection, {"contact": record})
            took.append(time.monotonic() - began)
        connection.close()
        return took

    with ThreadPoolExecutor(SENDERS) as threads:
        took = [each for sent in threads.map(send, range(SENDERS)) for each in sent]
    progress.advance(task)
    return Taken(took, len(took) / seconds)


def _table(to_rows: Sequence[float], beside: Sequence[float], taken: Taken) -> Table:
    table = Table("", title="Webhooks")
    for name in ("webhooks", "a second", "p50", "p99"):
        table.add_column(name, justify="right")
    for what, seconds, rate in (
        ("to the committed row, one by one", to_rows, ""),
        (f"… beside first syncs of {SYNCS} organisations", beside, ""),
        (f"to the 202, {SENDERS} at once, one web process", taken.seconds, f"{taken.per_second:,.0f}"),
    ):
        percentiles = (f"{percentile_ms(seconds, percent):.0f} ms" for percent in (50, 99))
        table.add_row(what, f"{len(seconds):,}", rate, *percentiles)
    return table


if __name__ == "__main__":
    main()
