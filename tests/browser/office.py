"""An operator's installation with a synced connection, and the operator's browser window."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from playwright.sync_api import expect

from sandbox.zoho.control import SandboxControl
from tests.browser.visits import Visit, Way
from tests.end_to_end.installation import Installation
from tests.end_to_end.underway import PATIENCE_SECONDS

#: Pages load themselves, or their live parts, in intervals of this many seconds or less.
_INTERVAL_SECONDS = 5


@dataclass(frozen=True)
class Office:
    """An installation with one synced connection, as its operator ana sees it."""

    installation: Installation
    connection_id: str
    visit: Visit

    @property
    def books(self) -> SandboxControl:
        return self.installation.zoho

    def opens_connection(self) -> None:
        self.visit.page.goto(f"{self.installation.environment['PUBLIC_URL']}/connections/{self.connection_id}")
        expect(self.visit.page.locator("#state")).to_be_visible()

    def look(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.installation.environment["DATABASE_URL"], autocommit=True) as database:
            return database.execute(sql.encode(), values).fetchall()

    def time_passes(self) -> None:
        """Let the page's script load its live parts now; without JavaScript, wait until the page has loaded itself."""
        page = self.visit.page
        if self.visit.way is Way.NO_SCRIPT:
            page.wait_for_event("load")
        else:
            page.clock.fast_forward(_INTERVAL_SECONDS * 1000)
            time.sleep(0.2)  # The browser refuses thousands of requests at once.

    def until(self, holds: Callable[[], bool]) -> None:
        """Let time pass on the page until this holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.visit.page.locator("main").inner_text()
            self.time_passes()

    def sees_action(self, *words: str) -> None:
        """Check that the first row of the page of activity has ana's name and these words."""
        self.visit.follow("Activity")
        self.visit.reads("Activity")
        row = self.visit.page.locator("main tr").nth(1)
        for each in ("ana", *words):
            expect(row).to_contain_text(each)
