"""`/connections/{id}/policy`: the reminder rules, and what a change would move before it is applied."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from db import connections, openings, reminder_policies
from domain.activity import Action
from domain.errors import BooksyncError
from domain.reminders.calling_window import InvalidPolicyError
from domain.reminders.policy import ReminderPolicy
from workers.secrets.sealed import Sealed
from workers.services.activity import RecordedAction
from workers.services.change_policy import change_policy
from workers.web.console.access import AsOperator, AsViewer, Visitor
from workers.web.console.addresses import query
from workers.web.console.connection_addresses import done_at_length, refused, shown
from workers.web.console.frame import console_page
from workers.web.console.policy_form import changes, groups_of, policy_from, values_in, values_of
from workers.web.forms import one
from workers.web.state import patient_basics_of, previews_of, resources_of

router = APIRouter(prefix="/connections/{connection_id}/policy")

#: The longest time for new plans; the next run makes the rest.
_PLANNING_SECONDS: Final = 10.0

#: For this long the address of a preview shows it.
_DRAFT_SECONDS: Final = 3600

#: The longest draft in an address, in characters; usual proxies refuse addresses of more than 8 kB.
_LONGEST_DRAFT: Final = 6000


@dataclass(frozen=True, slots=True)
class _Draft:
    """Rules that are not applied yet. They are in the address of their preview, so that the page can load itself."""

    connection_id: uuid.UUID
    rules: dict[str, Any]


_SEALED = Sealed(_Draft, "console policy preview", max_age_seconds=_DRAFT_SECONDS)


class DraftTooOldError(BooksyncError):
    """The preview of the rules is older than an hour. Next: change the rules and preview them again."""


@router.get("", response_class=HTMLResponse)
async def policy_page(request: Request, connection_id: str, visitor: AsViewer) -> Response:
    """Show the rules."""

    def page(found: uuid.UUID) -> Response:
        with resources_of(request).engine.connect() as db:
            connection = connections.connection(db, found)
            values = values_of(reminder_policies.policy_of(db, found))
        return _form_page(request, visitor, connection, values)

    return await shown(connection_id, page)


@router.post("/preview", response_class=HTMLResponse)
async def draft(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Lead to the preview of the form's rules. Nothing is changed."""
    values = values_in(visitor.form)

    def page(found: uuid.UUID) -> Response:
        with resources_of(request).engine.connect() as db:
            connection = connections.connection(db, found)
        try:
            policy = policy_from(values)
        except InvalidPolicyError as error:
            return _form_page(request, visitor, connection, values, problem=str(error))
        sealed = _SEALED.seal(resources_of(request).vault, _Draft(found, policy.to_json()))
        if len(sealed) > _LONGEST_DRAFT:
            problem = "The rules are too long for a preview. Next: booksync policy on the command line."
            return _form_page(request, visitor, connection, values, problem=problem)
        return RedirectResponse(f"preview{query(draft=sealed)}", 303)

    return await shown(connection_id, page)


@router.get("/preview", response_class=HTMLResponse)
async def preview_page(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Show what the draft's rules would move. Nothing is changed."""
    sealed = request.query_params.get("draft", "")

    def page(found: uuid.UUID) -> Response:
        draft = _SEALED.unseal(resources_of(request).vault, sealed)
        with resources_of(request).engine.connect() as db:
            connection = connections.connection(db, found)
            if draft is None or draft.connection_id != found:
                return refused(request, found, DraftTooOldError(), part="handover")
            present = reminder_policies.policy_of(db, found)
            switch = openings.switch_of(db, found)
        policy = ReminderPolicy.from_json(draft.rules)
        return console_page(
            request,
            "console/policy_preview.html",
            visitor,
            connection=connection,
            draft=sealed,
            changes=changes(present, policy),
            look=previews_of(request).policy(connection, switch, present, policy),
            values=values_of(policy),
            rules=orjson.dumps(policy.to_json()).decode(),
            expected=orjson.dumps(present.to_json()).decode(),
        )

    return await shown(connection_id, page)


@router.post("/edit", response_class=HTMLResponse)
async def edit_page(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Show the form again, with the rules of a preview."""

    def page(found: uuid.UUID) -> Response:
        with resources_of(request).engine.connect() as db:
            connection = connections.connection(db, found)
        return _form_page(request, visitor, connection, values_in(visitor.form))

    return await shown(connection_id, page)


@router.post("")
async def apply(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Apply the rules of a preview, unless the present rules have changed since."""

    def work(found: uuid.UUID, begun: RecordedAction) -> str:
        policy, expected = _policy_in(visitor, "rules"), _policy_in(visitor, "expected")
        # All open invoices become due for planning in one statement, for which the time limit of requests is too short.
        engine = patient_basics_of(request).engine
        changed = change_policy(engine, found, policy, expected=expected, seconds=_PLANNING_SECONDS)
        rest = " The next run plans the rest; nothing is handed over about them before." if changed.left else ""
        begun.result = f"The rules are changed. Invoices planned again: {changed.planned:,}.{rest}"
        return begun.result

    return await done_at_length(request, visitor, connection_id, Action.CHANGE_POLICY, work, part="handover")


def _policy_in(visitor: Visitor, field: str) -> ReminderPolicy:
    try:
        rules = orjson.loads(one(visitor.form, field))
    except orjson.JSONDecodeError:
        rules = None
    if not isinstance(rules, dict):
        raise InvalidPolicyError("The form has no rules. Next: preview the change again.")
    return ReminderPolicy.from_json(rules)


def _form_page(
    request: Request, visitor: Visitor, connection: connections.Connection, values: Mapping[str, str], problem: str = ""
) -> HTMLResponse:
    return console_page(
        request,
        "console/policy.html",
        visitor,
        status=400 if problem else 200,
        connection=connection,
        groups=groups_of(values),
        problem=problem,
    )
