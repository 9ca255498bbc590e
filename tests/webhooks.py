"""Webhooks as Zoho sends them: a body, and its signature with the connection's secret."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

NOTHING: Mapping[str, str] = {}


def signature(secret: str, body: bytes, parameters: Mapping[str, str] = NOTHING) -> str:
    """The signature in hex. `parameters` are those of the query and of a form; a form's body is not signed too."""
    signed = "".join(key + value for key, value in sorted(parameters.items())).encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def signed_json(secret: str, document: Any, **query: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a webhook; the query's parameters are signed too."""
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "X-Zoho-Webhook-Signature": signature(secret, body, query)}
    return body, headers


def signed_form(secret: str, fields: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Zoho-Webhook-Signature": signature(secret, b"", fields),
    }
    return urlencode(fields).encode(), headers
