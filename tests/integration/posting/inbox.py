"""A receiver of posts, and the handover that it receives."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from tests.integration.db.look import Row, change, row

SECRET = "a secret of enough letters"


@dataclass
class Inbox:
    """A receiver that stores its requests, and returns the given status codes."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    has_mail: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


def contact(engine: Engine) -> Row:
    return row(engine, "SELECT * FROM booksync.handovers")


def make_time_pass(engine: Engine) -> None:
    change(engine, "UPDATE booksync.handovers SET post_at = now() WHERE post_at IS NOT NULL")
