"""Statements over staged_pages: pages of a list that a run has fetched and not written yet."""

import uuid
import zlib

from sqlalchemy import text

from db.session import Session
from domain.entities import Entity
from domain.lists import RawPage

#: zlib's fastest level: a page of JSON becomes a tenth of its size within a few milliseconds.
_LEVEL = 1

# A release without staged pages may have continued the run in between. Then the run's page numbers begin at one again,
# and its former rows are replaced.
_STAGE = text("""
    INSERT INTO booksync.staged_pages (run_id, entity, number, content, server_time, received_at)
    VALUES (:run_id, :entity, :number, :content, :server_time, :received_at)
    ON CONFLICT (run_id, entity, number) DO UPDATE
       SET content = excluded.content, server_time = excluded.server_time, received_at = excluded.received_at
""")


def stage(db: Session, run_id: uuid.UUID, entity: Entity, number: int, page: RawPage | None) -> None:
    """Store a fetched page of the entity's list; `page` is None if Zoho has refused the page because of its length."""
    db.execute(
        _STAGE,
        {
            "run_id": run_id,
            "entity": entity.name,
            "number": number,
            "content": zlib.compress(page.content, _LEVEL) if page else None,
            "server_time": page and page.server_time,
            "received_at": page and page.received_at,
        },
    )


def staged(db: Session, run_id: uuid.UUID, entity: Entity, number: int) -> RawPage | None:
    """The staged page of this number; None if Zoho has refused it."""
    row = db.execute(
        text("""
            SELECT content, server_time, received_at FROM booksync.staged_pages
             WHERE run_id = :run_id AND entity = :entity AND number = :number
        """),
        {"run_id": run_id, "entity": entity.name, "number": number},
    ).one()
    return None if row.content is None else RawPage(zlib.decompress(row.content), row.server_time, row.received_at)


def remove(db: Session, run_id: uuid.UUID, entity: Entity, number: int) -> None:
    """Delete a staged page whose rows are written to the cache, and all pages before it."""
    db.execute(
        text("DELETE FROM booksync.staged_pages WHERE run_id = :run_id AND entity = :entity AND number <= :number"),
        {"run_id": run_id, "entity": entity.name, "number": number},
    )
