"""The webhook of a connection: its secret is shown once, rotated, and tried by a trial webhook."""

import uuid
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from domain.activity import Action
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.services import webhook_rules
from workers.services.activity import recorded
from workers.services.webhook_rules import WebhookRule
from workers.web.console.access import AsOperator, Visitor
from workers.web.console.connection_addresses import done, refused, shown
from workers.web.console.frame import console_page
from workers.web.state import resources_of
from workers.webhooks.signatures import SECRET_HEADERS, SIGNATURE_HEADER, written
from workers.webhooks.trial import send_trial

router = APIRouter(prefix="/connections/{connection_id}/webhook")


@router.post("/secret", response_class=HTMLResponse)
async def show_secret(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Show the secret in the response itself, which no cache stores: a redirect would need an address for it."""
    return await _rule_page(request, visitor, connection_id, Action.SHOW_WEBHOOK_SECRET, webhook_rules.rule_of)


@router.post("/rotate", response_class=HTMLResponse)
async def rotate(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Make a new secret and show it; the former one is accepted for seven days."""
    return await _rule_page(request, visitor, connection_id, Action.ROTATE_WEBHOOK_SECRET, webhook_rules.rotate)


@router.post("/end-rotation")
async def end_rotation(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Accept only the new secret from now on."""

    def work(resources: Resources, found: uuid.UUID) -> str:
        if webhook_rules.end_rotation(resources, found):
            return "The former secret is not accepted any more."
        return "No former secret was accepted."

    return await done(request, visitor, connection_id, Action.ROTATE_WEBHOOK_SECRET, work, part="webhook")


@router.post("/test")
async def test(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Post a trial webhook to the connection's own address."""
    return await done(request, visitor, connection_id, Action.TEST_WEBHOOK, send_trial, part="webhook")


async def _rule_page(
    request: Request,
    visitor: Visitor,
    connection_id: str,
    action: Action,
    rule_of: Callable[[Resources, uuid.UUID], WebhookRule],
) -> Response:
    def page(found: uuid.UUID) -> Response:
        resources = resources_of(request)
        try:
            with recorded(resources, visitor.operator.name, action, connection_id=found):
                rule = rule_of(resources, found)
        except BooksyncError as error:
            return refused(request, found, error, part="webhook")
        return console_page(
            request,
            "console/webhook_secret.html",
            visitor,
            rule=rule,
            is_new=action is Action.ROTATE_WEBHOOK_SECRET,
            signature_header=written(SIGNATURE_HEADER),
            secret_headers=[written(name) for name in SECRET_HEADERS],
        )

    return await shown(connection_id, page)
