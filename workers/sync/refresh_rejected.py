"""Records whose row in a list was rejected: each is read by a detail call, as if a webhook had named it."""

from db import webhook_events
from db.session import Session
from domain.entities import Entity
from domain.lists import Page
from domain.runs import Run
from domain.webhooks import EventKind
from workers.sync.work import Work

#: The maximum of such records of one connection in an hour, so that most of the hour's detail calls stay for webhooks
#: (`domain.floods.details_an_hour`).
MOST_IN_AN_HOUR = 10


def request_refreshes(db: Session, work: Work, run: Run, entity: Entity, *pages: Page[object] | None) -> None:
    """Request the records of the rejected rows of these pages, each at most once a day.

    A row may be rejected in one response only, and an incremental run would not read it again. If the run will read the
    whole list again, because the rows of a page were all rejected, nothing is requested.

    The rows of the pages must be written before, because a refresh locks its record first and its request last too.
    """
    ids = {row.record_id for page in pages if page is not None for row in page.rejected if row.record_id}
    if not ids or run.position.list_of(entity).is_unread:
        return
    recent = webhook_events.recent(db, run.connection_id, EventKind.REJECTED)
    unread = sorted(record_id for record_id in ids if (entity.name, record_id) not in recent.of_the_day)
    allowed = unread[: max(0, MOST_IN_AN_HOUR - recent.in_the_hour)]
    work.following += webhook_events.request(db, run.connection_id, entity, allowed, EventKind.REJECTED)
