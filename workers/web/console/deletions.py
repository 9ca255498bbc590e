"""`/deletions`: records that are missing in Zoho and wait for a person's decision, with what they owe."""

from functools import partial

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import held_deletion_pages
from db.clock import present
from db.held_deletion_pages import RecordKey
from domain.activity import Action
from domain.entities import entities
from domain.operators import Role
from workers.services.activity import RecordedAction
from workers.services.decide_deletions import decide_all, decide_some
from workers.web.console.access import AsOperator, AsViewer, Visitor, postgres_needed
from workers.web.console.actions import act_on_many
from workers.web.console.addresses import NoSuchPageError, number_of, query, text_of, uuid_of
from workers.web.console.frame import console_page
from workers.web.console.listing import paged
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter(prefix="/deletions")

#: The rows of a page.
RECORDS = 100


_DONE = {"apply": Action.APPLY_DELETIONS, "dismiss": Action.DISMISS_DELETIONS}


@router.get("")
async def deletions_page(request: Request, visitor: AsViewer) -> Response:
    """Return the numbers of all connections, and the held or dismissed records of one connection or all."""
    return await run_in_threadpool(_list, request, visitor)


@router.post("")
async def decide(request: Request, visitor: AsOperator) -> Response:
    """Apply or dismiss all held deletions of a connection, or those of the chosen records."""
    return await run_in_threadpool(_decide, request, visitor)


def _list(request: Request, visitor: Visitor) -> Response:
    given = request.query_params.get
    is_dismissed = given("dismissed") == "1"
    connection_id, after = uuid_of(given("connection", "")), _key_of(given("after", ""))
    with postgres_needed(), resources_of(request).engine.connect() as db:
        now = present(db)
        totals = held_deletion_pages.totals(db)
        found = held_deletion_pages.page(db, connection_id, dismissed=is_dismissed, after=after, limit=RECORDS + 1)
    address = partial(query, connection=connection_id, dismissed="1" if is_dismissed else "")
    records, last = paged(found, RECORDS)
    return console_page(
        request,
        "console/deletions.html",
        visitor,
        now=now,
        totals=totals,
        records=records,
        connection_id=connection_id,
        is_dismissed=is_dismissed,
        may_choose=connection_id is not None and not is_dismissed and visitor.may(Role.OPERATOR),
        first=f"deletions{address()}" if after else "",
        more=f"deletions{address(after=_address_of(last.key))}" if last else "",
    )


def _decide(request: Request, visitor: Visitor) -> Response:
    given = partial(one, visitor.form)
    action = _DONE.get(given("decision"))
    connection_id, expected = uuid_of(given("connection")), number_of(given("expected"))
    records = [_chosen(text) for text in visitor.form.get("record", [])]
    if connection_id is None or action is None:
        raise NoSuchPageError
    resources = resources_of(request)

    def work(begun: RecordedAction) -> str:
        if expected is None:
            return decide_some(resources, action, connection_id, begun, records)
        return decide_all(resources, action, connection_id, begun, expected=expected)

    return act_on_many(
        request,
        visitor,
        action,
        work,
        back=f"deletions{query(connection=connection_id)}",
        connection_id=connection_id,
        subject=_subject(len(records) if expected is None else expected),
    )


def _subject(number: int) -> str:
    """What the action is about, for its record."""
    return f"{number:,} record{'s' if number != 1 else ''}"


def _address_of(key: RecordKey) -> str:
    return f"{key.connection_id}.{key.kind}.{key.record_id}"


def _key_of(text: str) -> RecordKey | None:
    """Raises NoSuchPageError: the text is not from `_address_of`."""
    if not text:
        return None
    connection, _, record = text.partition(".")
    connection_id = uuid_of(connection)
    if connection_id is None:
        raise NoSuchPageError
    return RecordKey(connection_id, *_chosen(record))


def _chosen(text: str) -> tuple[str, str]:
    """The kind and the id in "kind.id". Raises NoSuchPageError: the kind does not exist."""
    kind, _, record_id = text_of(text).partition(".")
    if not record_id or kind not in {entity.kind for entity in entities()}:
        raise NoSuchPageError
    return kind, record_id
