"""Requests to the web process, and a connection whose secrets and personal data no page may show."""

from typing import Protocol

import httpx
import psycopg

from sandbox.servers.ports import free_port
from workers.web.app import app


class Ask(Protocol):
    """Requests a path with these headers."""

    def __call__(self, path: str, **headers: str) -> httpx.Response: ...


async def ask(path: str, headers: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        return await client.get(f"http://booksync{path}", headers=headers)


def nowhere(scheme: str) -> str:
    """An address at which nothing listens."""
    return f"{scheme}://127.0.0.1:{free_port()}/0"


def connect(database: psycopg.Connection) -> None:
    """Inserts a connection, with the secrets and personal data that no page may show."""
    database.execute(
        "WITH person AS (INSERT INTO users DEFAULT VALUES RETURNING id), link AS ("
        "INSERT INTO booksync.zoho_connections (user_id, organization_id, data_center, refresh_token_encrypted,"
        " webhook_secret_encrypted, time_zone, status, parked_reason)"
        " SELECT id, '10234695', 'eu', 'secret-refresh', 'secret-webhook', 'Europe/London', 'parked', '<b>refused</b>'"
        " FROM person RETURNING id, user_id), run AS ("
        "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, api_calls)"
        " SELECT user_id, id, 'full', 'done', 'succeeded', now(), 17 FROM link), event AS ("
        "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind)"
        " SELECT id, 'contact', '5001', 1, 'changed' FROM link), meta AS ("
        "INSERT INTO sync_metadata (user_id, connection_id) SELECT user_id, id FROM link) "
        "INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id, customer_name, primary_phone,"
        " primary_email) SELECT user_id, id, '5001', 'Ada Byron', '+442070313000', 'ada@example.com' FROM link"
    )
    database.execute(
        "UPDATE booksync.zoho_connections SET status = 'active'"
    )  # The reason stays after the connection is active again.
