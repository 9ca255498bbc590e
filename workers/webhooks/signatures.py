"""Authenticates webhooks: a request must prove that it knows the connection's webhook secret (API section 6)."""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping

#: Zoho's own header, with an HMAC of the request.
SIGNATURE_HEADER = "x-zoho-webhook-signature"
#: Custom headers in which a webhook rule may send the secret itself.
SECRET_HEADERS = ("x-booksync-secret", "x-webhook-secret", "x-zoho-webhook-secret")


def is_authentic(
    secret: str, headers: Mapping[str, str], parameters: Iterable[tuple[str, str]], json_body: bytes
) -> bool:
    """Return whether the webhook request carries a valid signature, in hex or base64, or the secret itself.

    `parameters` are those of the query and of a form; `json_body` is the raw body, empty for a form. All comparisons
    are always made, each in constant time.
    """
    digest = hmac.digest(secret.encode(), signed_text(parameters, json_body), "sha256")
    signature = headers.get(SIGNATURE_HEADER, "").strip()
    return any(
        [
            _equal(signature.lower(), digest.hex()),
            _equal(signature, b64encode(digest).decode()),
            *[_equal(headers.get(name, "").strip(), secret) for name in SECRET_HEADERS],
        ]
    )


def signed_text(parameters: Iterable[tuple[str, str]], json_body: bytes) -> bytes:
    """Return the text that Zoho signs: the parameters sorted by key, without separators, then the raw JSON body."""
    return "".join(key + value for key, value in sorted(parameters)).encode("utf-8", "surrogateescape") + json_body


def written(header: str) -> str:
    """Return a header's name as people write it: `X-Booksync-Secret`."""
    return "-".join(part.capitalize() for part in header.split("-"))


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
