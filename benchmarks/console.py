"""The time of the console's pages over a million invoices: `python -m benchmarks.console`.

The installation has 5,000 connections. One of them has 300,000 customers and 1,000,000 invoices.
Each page is read ten times from the real web process over HTTP, with its rendering, after one look that warms the
caches. Exit code 1: the median of a page is above 200 ms.
"""

import argparse
import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import httpx
from rich.table import Table
from sqlalchemy import text

from benchmarks.console_pages import Browser, Page, pages
from benchmarks.console_records import fill
from benchmarks.console_rows import CONNECTIONS, fill_lists
from benchmarks.installation import installed, new_console, running_servers, shown_progress, unthrottled_simulator
from benchmarks.programs import running
from db.session import Session
from sandbox.servers.ports import free_port

_MOST_MS = 200
_LOOKS = 10
_PATIENCE_SECONDS = 60.0

Times = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description="The console's pages.")
    parser.add_argument("--invoices", type=int, default=1_000_000, help="of one organisation (%(default)s)")
    options = parser.parse_args()
    console = new_console()
    with (
        running_servers() as servers,
        unthrottled_simulator(contacts=1, invoices=0) as zoho,
        installed(servers, zoho) as resources,
        shown_progress(console) as progress,
    ):
        progress.add_task("Rows of a large installation", total=None)
        large, _ = fill(resources.engine, options.invoices)
        fill_lists(resources.engine, large, options.invoices)
        with resources.engine.connect() as db:
            shown = list(pages(db, large, options.invoices))
            sizes = _sizes(db)
        with _web() as browser:
            times = _measured(browser, progress.track(shown, description="Pages"))
    table = Table(title=f"{options.invoices:,} invoices, {CONNECTIONS + 1:,} connections", title_justify="left")
    for heading in ("page", "median ms", "slowest ms"):
        table.add_column(heading, justify="left" if heading == "page" else "right")
    for name, (median, slowest) in times.items():
        table.add_row(name, f"{median:.0f}", f"{slowest:.0f}")
    console.print(table, sizes)
    sys.exit(max(median for median, _ in times.values()) > _MOST_MS)


def _measured(browser: Browser, shown: Iterable[Page]) -> Times:
    """Each page's median and slowest time in ms; of a list that has more rows, the second page too."""
    times = {}
    for page in shown:
        times[page.name] = _timed(browser, page)
        if not page.form and (more := browser.next_page(page)):
            times[more.name] = _timed(browser, more)
    return times


def _timed(browser: Browser, page: Page) -> tuple[float, float]:
    browser.open(page)
    times = []
    for _ in range(_LOOKS):
        began = time.perf_counter()
        browser.open(page)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), max(times)


@contextmanager
def _web() -> Iterator[Browser]:
    """A browser that is signed in to a web process whose counts are ready."""
    os.environ["CONSOLE_PASSWORD"] = password = secrets.token_hex(16)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running("uvicorn", "workers.web.app:app", "--host", "127.0.0.1", "--port", str(port)):
        _await(lambda: httpx.get(f"{url}/healthz").is_success)
        browser = Browser(url, password)
        _await(lambda: "being counted" not in browser.open(Page("overview", "/")))
        yield browser


def _await(is_ready: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        with suppress(httpx.TransportError):
            if is_ready():
                return
        time.sleep(0.2)
    raise TimeoutError("the web process is not ready")


def _sizes(db: Session) -> str:
    """The sizes of the indexes for these pages."""
    rows = db.execute(
        text("""
            SELECT relname, pg_size_pretty(pg_relation_size(oid)) AS size FROM pg_class
             WHERE relname ~ '^ix_(customers_cache_(by_name|words|email|phone_digits)|invoices_cache_not_reminded)$'
             ORDER BY relname
        """)
    )
    return ", ".join(f"{row.relname} {row.size}" for row in rows)


if __name__ == "__main__":
    main()
