"""The receiver of the handovers: one signed POST for each, and whether the receiver accepted it."""

import time
from collections.abc import Callable

import httpx
import orjson
from pydantic import SecretStr

from db.reminder_posts import Post
from domain.reminders.posting import signatures, standard_signatures
from workers.jobs.outcomes import RetriedError
from workers.zoho.deadline import DeadlineTransport, deadline

#: Timeouts of each network wait and of the whole call; the timeout of the call stops a receiver that sends byte by
#: byte.
_WAIT_SECONDS = 5.0
CALL_SECONDS = 10.0


class NotAcceptedError(RetriedError):
    """The receiver has not accepted the handover. The error's text contains no URL."""


def new_receiver_client(proxy_url: SecretStr | None = None) -> httpx.Client:
    """Return the HTTP client for the receiver of handovers.

    The client follows no redirect, because no other server may get the names and numbers in the body. The client
    ignores the environment's proxy variables: `proxy_url` is the only proxy.
    """
    proxy = None if proxy_url is None else httpx.Proxy(proxy_url.get_secret_value())
    return httpx.Client(
        transport=DeadlineTransport(limits=httpx.Limits(max_connections=1), proxy=proxy),
        timeout=_WAIT_SECONDS,
        follow_redirects=False,
        trust_env=False,
    )


class Receiver:
    """The application that receives the handovers, at one URL."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        secrets: tuple[str, ...],
        on_post: Callable[[bool, float], None] = lambda _is_accepted, _seconds: None,
    ) -> None:
        """`on_post` is called after each post, with whether it was accepted and how many seconds it took."""
        self._on_post = on_post
        self._client = client
        self._url = url
        self._secrets = secrets

    def post(self, post: Post) -> None:
        """Post one handover. Any 2xx status means that the receiver has accepted the handover.

        The signature covers the body and the time. The handover's id is the idempotency key, by which a receiver
        recognises a repeated post. The headers `webhook-*` are those of Standard Webhooks, for its libraries.

        Raises:
            NotAcceptedError: another status, or no response.
        """
        body = orjson.dumps(post.body)
        message_id, timestamp = str(post.handover_id), int(time.time())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message_id,
            "X-Booksync-Timestamp": str(timestamp),
            "X-Booksync-Signature": signatures(self._secrets, timestamp, body),
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_signatures(self._secrets, message_id, timestamp, body),
        }
        began, is_accepted = time.monotonic(), False
        try:
            with (
                deadline(CALL_SECONDS),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                # Only the status line counts. The body is not read, because it may be a decompression bomb or endless.
                is_accepted = response.is_success
                if not is_accepted:
                    raise NotAcceptedError(f"HTTP {response.status_code}")
        except httpx.HTTPError as error:
            raise NotAcceptedError(type(error).__name__) from None
        finally:
            self._on_post(is_accepted, time.monotonic() - began)
