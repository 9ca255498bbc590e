"""A browser window on a user's way through the pages, and everything that goes wrong in it."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.end_to_end.installation import Installation
from workers.web.console.access import RELOADED

#: Chromium's message for a page that itself has an error status, as a refusal has.
_ERROR_STATUS = "Failed to load resource: the server responded with a status of "

_MOST_FIELDS = 20


class Visit:
    """A page in a window with its own cookies."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._see)
        page.on("requestfailed", self._miss)

    def consent(self, link: str) -> None:
        """Open the link, and accept at Zoho."""
        self.page.goto(link)
        self.press("Continue to Zoho")
        self.press("Accept")

    def choose(self, *names: str) -> None:
        """Choose these organisations by names or numbers, and connect them."""
        for name in names:
            self.page.get_by_role("checkbox", name=name).check()
        self.press("Connect")

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def reads(self, title: str) -> None:
        """Check that the page has this title and heading, and no line that is wider than the window."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(self.page).to_have_title(title)
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), self.page.url

    def tab_to(self, wanted: Locator) -> None:
        """Press Tab until the element has the focus."""
        for _ in range(_MOST_FIELDS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {wanted}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ERROR_STATUS):
            self.problems.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.is_navigation_request() and not self._is_reload(request):
            self.problems.append(f"the page loads {request.url}")

    def _miss(self, request: Request) -> None:
        # A navigation aborts a reload that is under way.
        if not self._is_reload(request):
            self.problems.append(f"failed: {request.url} {request.failure}")

    def _is_reload(self, request: Request) -> bool:
        """Whether the console's script loads the page again that is open, or that was open a moment ago."""
        address = urlsplit(request.url)
        query = [pair for pair in parse_qsl(address.query) if pair != (RELOADED, "1")]
        page = request.headers.get("referer", self.page.url)
        loaded = address._replace(query=urlencode(query)).geturl()
        return request.resource_type == "fetch" and len(query) < len(parse_qsl(address.query)) and loaded == page


def link_for(installation: Installation, user_id: str, *more: str) -> str:
    """The link that `booksync connect --browser` prints for a user."""
    printed = installation.run("connect", "--browser", "--user", user_id, *more)
    assert printed.code == 0, printed.stderr
    return printed.stdout.strip()
