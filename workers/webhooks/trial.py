"""Sends a trial webhook: booksync posts a signed event to its own address, on the way that Zoho's webhooks take."""

import hmac
import uuid
from typing import Final

import httpx
import orjson

from db import connection_views
from domain.entities import CUSTOMER
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.services.connect_links import public_url
from workers.services.webhook_rules import rule_of
from workers.webhooks.signatures import SIGNATURE_HEADER, signed_text

#: The longest wait for the response, in seconds; Zoho waits about as long.
_SECONDS: Final = 10.0


class TrialFailedError(BooksyncError):
    """The trial webhook was not accepted. The message says why."""


def send_trial(resources: Resources, connection_id: uuid.UUID) -> str:
    """Post an event about a cached customer to the connection's webhook address; return a sentence about the result.

    The event is stored and handled like any other: a worker reads the customer again, with one API call. Without a
    cached customer the webhook names no record, so that it proves only that the address and the secret work.

    Raises:
        NoPublicUrlError: PUBLIC_URL is not set, so the address is not known.
        TrialFailedError: the webhook was not accepted.
        UnknownConnectionError, WrongStateError and others: see `webhook_rules.rule_of`.
    """
    public_url(resources.settings)
    rule = rule_of(resources, connection_id)
    with resources.engine.connect() as db:
        record_id = connection_views.any_customer(db, connection_id)
    body = orjson.dumps({} if record_id is None else {CUSTOMER.name: {f"{CUSTOMER.name}_id": record_id}})
    status = _posted(resources.http, rule.url, rule.secret, body)
    if record_id is not None and status == httpx.codes.ACCEPTED:
        return (
            f"booksync posted an event about contact {record_id} to its own address, and it was accepted. A worker "
            "reads that contact again, with one API call."
        )
    if record_id is None and status == httpx.codes.BAD_REQUEST:
        return (
            "booksync posted a webhook to its own address, and its signature was accepted. No event was stored, "
            "because no customer is cached that it could name."
        )
    if status == httpx.codes.UNAUTHORIZED:
        raise TrialFailedError(
            "The address responded, but refused the signature. Next: check that PUBLIC_URL leads to this installation."
        )
    raise TrialFailedError(
        f"The address responded with status {status}. Next: check that PUBLIC_URL and the proxy lead to this web "
        "process."
    )


def _posted(client: httpx.Client, url: str, secret: str, body: bytes) -> int:
    signature = hmac.digest(secret.encode(), signed_text((), body), "sha256").hex()
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
    try:
        return client.post(url, content=body, headers=headers, timeout=_SECONDS).status_code
    except httpx.HTTPError as error:
        raise TrialFailedError(
            f"The address could not be reached: {type(error).__name__}. Next: check PUBLIC_URL, and that the web "
            "process's host reaches it."
        ) from None
