"""The web application: `uvicorn workers.web.app:app`."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from domain.processes import Kind
from workers.boot.basics import open_basics
from workers.boot.process_rows import process_row
from workers.boot.resources import open_resources
from workers.boot.settings import SettingsError, web_settings
from workers.observability.logs import set_up_logs
from workers.services.kept_counts import KeptCounts
from workers.services.kept_previews import KeptPreviews
from workers.web import connecting, health, metrics, webhooks
from workers.web.connections import connection_deadlines
from workers.web.console import overview
from workers.web.console.frame import add_refusals
from workers.web.console.long_actions import long_actions
from workers.web.console.routes import CONSOLE
from workers.web.headers import StrictHeaders
from workers.web.throttled_log import throttled_uvicorn_warnings

#: The Postgres timeout of the web process. A client waits for each response, and a hanging Postgres would occupy all
#: threads of this process.
POSTGRES_SECONDS = 5.0

#: The pool of connections for the counts of the console's pages, of which 9 can be made at once, and for actions whose
#: statements may take longer than a request's.
PATIENT_POOL_SIZE: Final = 8

log = structlog.get_logger(__name__)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    set_up_logs()
    found = web_settings()
    with (
        connection_deadlines(),
        throttled_uvicorn_warnings(),
        open_resources("booksync web", own_settings=found, postgres_seconds=POSTGRES_SECONDS) as resources,
        open_basics("booksync web counts and actions", found, pool_size=PATIENT_POOL_SIZE) as patient,
        process_row(Kind.WEB, resources, threads=_threads()),
        long_actions() as actions,
    ):
        app.state.resources = resources
        app.state.patient = patient
        app.state.long_actions = actions
        app.state.password_check = overview.password_check(found)
        app.state.counts = KeptCounts(patient)
        app.state.previews = KeptPreviews(patient)
        yield


def _threads() -> int:
    """The number of threads that serve requests."""
    return int(current_default_thread_limiter().total_tokens)


# uvicorn has set up its own log format when it loads this module, and logs lines before the application starts. It
# would log an error of the application's start with the whole traceback.
if logging.getLogger("uvicorn").handlers:
    set_up_logs()
    try:
        web_settings()
    except SettingsError as error:
        log.critical(str(error), action="settings.refused")
        sys.exit(1)

app = FastAPI(title="booksync", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
for part in (health, webhooks, metrics, connecting, *CONSOLE):
    app.include_router(part.router)
add_refusals(app)
app.add_middleware(StrictHeaders)
