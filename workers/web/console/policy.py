"""`/connections/{id}/policy`: the reminder rules, and what a change would move before it is applied."""

import uuid
from collections.abc import Mapping
from typing import Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from db import connections, reminder_policies
from domain.activity import Action
from domain.calling_window import InvalidPolicyError
from domain.reminder_policy import ReminderPolicy
from workers.boot.basics import open_basics
from workers.boot.resources import Resources
from workers.services.change_policy import change_policy
from workers.services.policy_preview import preview_policy
from workers.web.console.access import AsOperator, AsViewer, Visitor
from workers.web.console.connection_addresses import done, shown
from workers.web.console.frame import console_page
from workers.web.console.policy_form import changes, groups_of, policy_from, values_in, values_of
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter(prefix="/connections/{connection_id}/policy")


#: The longest time for the plans of a preview, and for new plans while the browser waits.
PREVIEW_SECONDS: Final = 10.0
_PLANNING_SECONDS = 10.0


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
async def preview_page(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Show what the form's rules would move. Nothing is changed."""
    values = values_in(visitor.form)

    def page(found: uuid.UUID) -> Response:
        with resources_of(request).engine.connect() as db:
            connection = connections.connection(db, found)
            try:
                policy = policy_from(values)
            except InvalidPolicyError as error:
                return _form_page(request, visitor, connection, values, problem=str(error))
            present = reminder_policies.policy_of(db, found)
            moved = preview_policy(db, connection, policy, seconds=PREVIEW_SECONDS)
        return console_page(
            request,
            "console/policy_preview.html",
            visitor,
            connection=connection,
            changes=changes(present, policy),
            moved=moved,
            values=values,
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

    def work(resources: Resources, found: uuid.UUID) -> str:
        policy, expected = _policy_in(visitor, "rules"), _policy_in(visitor, "expected")
        # All open invoices become due for planning in one statement, for which the process's time limit is too short.
        with open_basics("booksync web action", resources.settings) as basics:
            changed = change_policy(basics.engine, found, policy, expected=expected, seconds=_PLANNING_SECONDS)
        rest = " The next run plans the rest; nothing is handed over about them before." if changed.left else ""
        return f"The rules are changed. Invoices planned again: {changed.planned:,}.{rest}"

    return await done(request, visitor, connection_id, Action.CHANGE_POLICY, work, part="handover")


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
