"""`/dead-letters`: messages that exhausted their retries, in groups. An operator retries or discards them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import dead_letter_lists
from db.dead_letter_lists import Choice, Group, Row
from db.dead_letters import UnknownDeadLetterError
from domain.activity import Action
from domain.dead_letters import DeadLetterStatus
from workers.services.activity import RecordedAction
from workers.services.decide_dead_letters import discard_all, retry_all
from workers.web.console.access import AsOperator, AsViewer, Visitor, postgres_needed
from workers.web.console.actions import act_on_many
from workers.web.console.addresses import (
    NoSuchPageError,
    moment_of,
    number_of,
    query,
    text_of,
    uuid_of,
)
from workers.web.console.frame import console_page
from workers.web.console.listing import MOST_LISTED, paged
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter(prefix="/dead-letters")

#: The rows of a page.
GROUPS = 50
LETTERS = 100


@dataclass(frozen=True, slots=True)
class _Filter:
    """What a page shows, as its address and its forms name it."""

    status: str = DeadLetterStatus.OPEN
    actor: str = ""
    error: str = ""
    connection: str = ""
    group: str = ""

    @classmethod
    def of(cls, given: Any) -> "_Filter":
        """Read the filter from an address's query or a form; `given` returns a parameter, or ""."""
        return cls(**{name: given(name) or getattr(cls(), name) for name in cls.__slots__})

    def choice(self) -> Choice:
        """Raises NoSuchPageError: the status does not exist, the connection is not an id, or a text is malformed."""
        try:
            status = DeadLetterStatus(self.status)
        except ValueError:
            raise NoSuchPageError from None
        return Choice(
            status,
            connection_id=uuid_of(self.connection),
            actor_name=text_of(self.actor) or None,
            fingerprint=text_of(self.group) or None,
            error_type=text_of(self.error) or None,
        )

    def address(self, **more: object) -> str:
        """The page's address, relative to the console's first page."""
        named = {name: getattr(self, name) for name in self.__slots__}
        if self.status == DeadLetterStatus.OPEN:
            del named["status"]
        return f"dead-letters{query(**named, **more)}"


@router.get("")
async def dead_letters_page(request: Request, visitor: AsViewer) -> Response:
    """Return the groups of the dead letters that the filter chooses, or with `?group=` the group's dead letters."""
    return await run_in_threadpool(_list, request, visitor)


@router.get("/{dead_letter_id}")
async def dead_letter_page(request: Request, dead_letter_id: str, visitor: AsViewer) -> Response:
    """Return everything that is stored about one dead letter."""
    return await run_in_threadpool(_one, request, visitor, dead_letter_id)


@router.post("/retry")
async def retry(request: Request, visitor: AsOperator) -> Response:
    """Retry the dead letters that the form chooses."""
    return await run_in_threadpool(_decide, request, visitor, Action.RETRY_DEAD_LETTERS)


@router.post("/discard")
async def discard(request: Request, visitor: AsOperator) -> Response:
    """Discard the dead letters that the form chooses."""
    return await run_in_threadpool(_decide, request, visitor, Action.DISCARD_DEAD_LETTERS)


def _list(request: Request, visitor: Visitor) -> Response:
    chosen = _Filter.of(request.query_params.get)
    after = request.query_params.get("after", "")
    choice = chosen.choice()
    with postgres_needed(), resources_of(request).engine.connect() as db:
        facets = dead_letter_lists.facets(db, choice.status or DeadLetterStatus.OPEN)
        groups: Sequence[Group] = ()
        letters: Sequence[Row] = ()
        if chosen.group:
            found = dead_letter_lists.page(db, choice, after=number_of(after), limit=LETTERS + 1)
            letters, last_letter = paged(found, LETTERS)
            last = str(last_letter["id"]) if last_letter else ""
        else:
            listed = dead_letter_lists.group_page(db, choice, after=text_of(after) or None, limit=GROUPS + 1)
            groups, last_group = paged(listed, GROUPS)
            last = last_group.fingerprint if last_group else ""
        total = dead_letter_lists.count(db, choice)
    return console_page(
        request,
        "console/dead_letters.html",
        visitor,
        chosen=chosen,
        statuses=tuple(DeadLetterStatus),
        facets=facets,
        most_listed=MOST_LISTED,
        connection_id=choice.connection_id,
        now=facets.now,
        groups=groups,
        letters=letters,
        total=total,
        group_address=lambda fingerprint: replace(chosen, group=fingerprint).address(),
        groups_address=replace(chosen, group="").address(),
        first=chosen.address() if after else "",
        more=chosen.address(after=last) if last else "",
    )


def _one(request: Request, visitor: Visitor, given: str) -> Response:
    try:
        with postgres_needed(), resources_of(request).engine.connect() as db:
            letter = dead_letter_lists.dead_letter(db, number_of(given) or 0)
            facets = dead_letter_lists.facets(db, letter["status"])
    except UnknownDeadLetterError:
        raise NoSuchPageError from None
    return console_page(
        request,
        "console/dead_letter.html",
        visitor,
        letter=letter,
        connection=facets.connections.get(letter["connection_id"]),
        now=facets.now,
    )


def _decide(request: Request, visitor: Visitor, action: Action) -> Response:
    given = partial(one, visitor.form)
    chosen = _Filter.of(given)
    dead_letter_id, until = number_of(given("dead_letter")), moment_of(given("until"))
    choice = replace(chosen.choice(), until=until)

    def decide(begun: RecordedAction) -> str:
        resources = resources_of(request)
        with resources.engine.connect() as db:
            if dead_letter_id is not None:
                ids = [dead_letter_id]
            else:
                ids = dead_letter_lists.ids(db, choice, with_retried=action is Action.DISCARD_DEAD_LETTERS)
        if action is Action.RETRY_DEAD_LETTERS:
            return retry_all(resources, ids, begun)
        return discard_all(resources, ids, begun, note=given("note"), until=until)

    return act_on_many(
        request,
        visitor,
        action,
        decide,
        back=chosen.address() if dead_letter_id is None else f"dead-letters/{dead_letter_id}",
        connection_id=choice.connection_id,
        subject=_subject(chosen, dead_letter_id),
    )


def _subject(chosen: _Filter, dead_letter_id: int | None) -> str:
    """What an action is about, for its record."""
    if dead_letter_id is not None:
        return f"dead letter {dead_letter_id}"
    named = [("group", chosen.group), ("actor", chosen.actor), ("error", chosen.error)]
    return "open dead letters" + "".join(f", {name} {value}" for name, value in named if value)
