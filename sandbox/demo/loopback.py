"""Short HTTP calls to processes on this machine, with the standard library, so that the demo starts fast."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 10.0


def status_of(url: str) -> int | None:
    """The status of the response to a GET request; None without a response."""
    try:
        return _ask("GET", url, None)[0]
    except (OSError, http.client.HTTPException):
        return None


def post(url: str, document: Mapping[str, object]) -> Any:
    """The JSON response to a POST request with JSON. Raises `OSError` when the response is not a 2xx."""
    status, body = _ask("POST", url, json.dumps(document))
    if not 200 <= status < 300:
        raise ConnectionError(f"{url} answered with HTTP {status}")
    return json.loads(body)


def _ask(method: str, url: str, body: str | None) -> tuple[int, bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        connection.request(method, address.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
