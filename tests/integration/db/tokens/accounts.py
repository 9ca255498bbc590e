"""A fake of Zoho's accounts server, and the stored tokens of a grant."""

import json
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx
from sqlalchemy import Engine

from tests.integration.db.look import WITHOUT_COPIES, change
from workers.secrets.tokens import SharedTokens
from workers.zoho import Token

THREADS = 20

STORED = """
    SELECT refresh_token_encrypted, access_token_encrypted, access_token_expires_at, api_domain FROM booksync.grants
"""


@dataclass
class Accounts:
    """A fake of Zoho's accounts server: a new token for each request, unless another response is set."""

    answers: list[httpx.Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    api_domain: str | None = "https://www.zohoapis.eu"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.asked.append(parse_qs(request.content.decode())["refresh_token"][0])
            if self.answers:
                return self.answers.pop(0)
            token = {"access_token": f"renewed-{len(self.asked)}", "expires_in": 3600, "api_domain": self.api_domain}
            return httpx.Response(200, content=json.dumps(token))


def let_it_end_in(engine: Engine, seconds: float) -> None:
    change(
        engine,
        WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() + make_interval(secs => :seconds)",
        seconds=seconds,
    )


def renewed(shared: SharedTokens, stale: Token, *, tried_again: bool, is_one_record: bool = False) -> Token:
    """The token to try, if there is one."""
    token = shared.renewed(stale, tried_again=tried_again, is_one_record=is_one_record)
    assert token is not None
    return token
