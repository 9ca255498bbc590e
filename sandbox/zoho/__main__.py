"""Runs the simulator: `python -m sandbox.zoho --port 0` prints one JSON line when it is ready."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import uvicorn

from sandbox.zoho import data, state
from sandbox.zoho.app import RestartableApp
from sandbox.zoho.books import Books
from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.clock import SystemClock
from sandbox.zoho.commands import Drift
from sandbox.zoho.limits import Limits
from sandbox.zoho.oauth import Tokens, User
from sandbox.zoho.protocol import TransportInScope
from sandbox.zoho.server_requests import RestartRequest
from sandbox.zoho.simulator import Simulator

SAVE_EVERY_SECONDS = 3.0
SAVE_AT_MOST_SHARE = 0.1
"""Saving blocks the server.

Books with many records are saved less often, so that saving takes at most a tenth of the time.
"""


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `serve`, because uvicorn's own handler waits for open connections."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    listener = socket.create_server((options.host, options.port), backlog=1024)
    # Every connection inherits TCP_NODELAY. Without it each response waits 40 ms for the ACK of its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    url = f"http://{options.host}:{listener.getsockname()[1]}"
    # The records are excluded from garbage collection, because they are never garbage and a collection over millions of
    # records takes seconds.
    gc.disable()
    app = RestartableApp(lambda request: _simulator(_restarted(options, request), url))
    gc.freeze()
    gc.enable()
    asyncio.run(_serve(app, listener, url, options))
    # The process exits at once, because everything is saved by now and a normal exit would spend a second on freeing a
    # million records.
    os._exit(0)


def refresh_token_of(organization_id: str) -> str:
    """The refresh token of a user with access to this organisation only."""
    return f"sandbox-refresh-{organization_id}"


async def _serve(app: RestartableApp, listener: socket.socket, url: str, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    config = uvicorn.Config(
        app,
        http=TransportInScope,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
    )
    server = _Server(config)
    tasks = [asyncio.create_task(server.serve(sockets=[listener]))]
    while not server.started:
        await asyncio.sleep(0.005)
    if options.state is not None:
        tasks.append(asyncio.create_task(_save_regularly(app, options.state)))
    if options.drift is not None:
        tasks.append(asyncio.create_task(_drift(app, options.drift)))
    _announce(app.simulator, url)
    await stop.wait()
    logging.disable()  # Calls in flight are cut off on purpose, so their errors are not reported.
    for task in tasks:
        task.cancel()
    for listening in server.servers:
        listening.close()
    for connection in server.server_state.connections:
        assert isinstance(connection, TransportInScope)
        connection.transport.abort()
    if options.state is not None and app.simulator.is_changed:
        state.save(app.simulator, options.state)


def _restarted(options: argparse.Namespace, request: RestartRequest) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), **request.model_dump(exclude_none=True)})


def _simulator(options: argparse.Namespace, url: str) -> Simulator:
    tokens, clock = Tokens(api_domain=url), SystemClock(options.behind_seconds)
    if options.state is not None and options.state.exists():
        organizations = state.load(options.state, tokens)
    else:
        organizations = _made_up(options, now=int(clock.wall()))
    for organization_id, books in organizations.items():
        books.index()
        tokens.know(refresh_token_of(organization_id), User((organization_id,)))
    tokens.know(refresh_token_of("all"), User(tuple(organizations)))
    limits = Limits(
        requests_per_minute=options.requests_per_minute,
        window_seconds=options.window_seconds,
        block_seconds=options.block_seconds,
        requests_per_day=options.requests_per_day,
        concurrency=options.concurrency,
    )
    chance = random.Random(options.seed)
    return Simulator(organizations, tokens, limits, clock, latency_seconds=options.latency_ms / 1000, rng=chance)


def _made_up(options: argparse.Namespace, *, now: int) -> dict[str, Books]:
    made = [
        data.made_up_books(options.seed, number, options.contacts, options.invoices, now)
        for number in range(options.organizations)
    ]
    return {books.organization.organization_id: books for books in made}


async def _save_regularly(app: RestartableApp, path: Path) -> None:
    pause = 0.0
    while True:
        if app.simulator.is_changed:
            began = time.monotonic()
            state.save(app.simulator, path)
            pause = (time.monotonic() - began) / SAVE_AT_MOST_SHARE
        await asyncio.sleep(max(SAVE_EVERY_SECONDS, pause))


async def _drift(app: RestartableApp, seconds: float) -> None:
    """Make one small change in a random organisation, again and again, on average every `seconds` seconds."""
    while True:
        await asyncio.sleep(seconds * app.simulator.rng.uniform(0.5, 1.5))
        simulator = app.simulator
        organization_id = simulator.rng.choice(list(simulator.organizations))
        simulator.mutate(organization_id, [Drift()])


def _announce(simulator: Simulator, url: str) -> None:
    ready = {
        "url": url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "organizations": [
            {
                "organization_id": organization_id,
                "name": books.organization.name,
                "country_code": books.organization.country_code,
                "time_zone": books.organization.time_zone,
                "refresh_token": refresh_token_of(organization_id),
            }
            for organization_id, books in simulator.organizations.items()
        ],
    }
    sys.stdout.write(orjson.dumps(ready).decode() + "\n")
    sys.stdout.flush()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.zoho", description="A simulator of Zoho Books.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--organizations", type=int, default=1)
    parser.add_argument("--contacts", type=int, default=500, help="in each organisation")
    parser.add_argument("--invoices", type=int, default=1500, help="in each organisation")
    parser.add_argument(
        "--state", type=Path, default=None, help="load the data from this file if it exists, and save to it"
    )
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--requests-per-minute", type=int, default=100)
    parser.add_argument(
        "--window-seconds", type=float, default=60.0, help="length of the window in which calls are counted"
    )
    parser.add_argument(
        "--block-seconds", type=float, default=60.0, help="how long an organisation is blocked after exceeding it"
    )
    parser.add_argument("--requests-per-day", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=5)
    parser.add_argument(
        "--behind-seconds", type=float, default=0.0, help="how far its clock, and the age of its data, are behind"
    )
    parser.add_argument("--drift", type=float, default=None, help="make a small change about every N seconds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
