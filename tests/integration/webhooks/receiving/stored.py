"""Webhooks of a connection, and the rows that they leave."""

from typing import Any

from tests.integration.db.look import rows
from workers.boot.resources import Resources

SECRET = "0123456789abcdef0123456789abcdef01234567"
CONTACT = {
    "contact": {"contact_id": "5001", "last_modified_time": "2026-03-02T09:30:00+0000", "email": "ada@x.example"}
}


def events(resources: Resources) -> list[dict[str, Any]]:
    return [dict(each) for each in rows(resources.engine, "SELECT * FROM booksync.webhook_events ORDER BY id")]


def messages(resources: Resources) -> int:
    return int(resources.redis.hlen("dramatiq:interactive.msgs"))
