"""A browser window on a user's way through the pages, and everything that goes wrong in it."""

from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, expect

from tests.browser.screenshots import fits_each_window
from tests.end_to_end.installation import Installation
from workers.web.console.access import RELOADED

#: Chromium's message for a page that itself has an error status, as a refusal has.
_ERROR_STATUS = "Failed to load resource: the server responded with a status of "

#: More than a page of the console has links, buttons and fields.
_MOST_FIELDS = 150

#: Whether the focus can be seen: in the window, with an outline.
_SHOWS_FOCUS = """
element => {
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && box.bottom > 0 && box.top < innerHeight;
}
"""

_REFUSE_MOUSE = """
addEventListener("pointerdown", event => {
  event.preventDefault();
  console.error("the mouse is used in a visit with the keyboard alone");
}, true);
"""


class Way(StrEnum):
    """How a person goes through the pages."""

    MOUSE = "mouse"
    NO_SCRIPT = "no JavaScript"
    KEYBOARD = "keyboard alone"


class Visit:
    """A page in a window with its own cookies."""

    def __init__(self, page: Page, way: Way = Way.MOUSE) -> None:
        self.page = page
        self.way = way
        self.problems: list[str] = []
        if way is Way.KEYBOARD:
            page.add_init_script(_REFUSE_MOUSE)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._see)
        page.on("requestfailed", self._miss)

    def sign_in(self, console: str, name: str, password: str) -> None:
        """Sign in to the console at this address."""
        self.page.goto(console)
        expect(self.page.get_by_label("Name")).to_be_focused()
        self.write("Name", name)
        self.write("Password", password)
        self.press("Sign in")
        expect(self.page.get_by_role("banner")).to_contain_text(name)

    def consent(self, link: str) -> None:
        """Open the link, and accept at Zoho."""
        self.page.goto(link)
        self.accept()

    def accept(self) -> None:
        """Go on to Zoho, and accept there."""
        self.press("Continue to Zoho")
        self.press("Accept")

    def choose(self, *names: str) -> None:
        """Choose these organisations by names or numbers, and connect them."""
        for name in names:
            self.use(self.page.get_by_role("checkbox", name=name), key="Space")
        self.press("Connect")

    def press(self, button: str, within: Locator | None = None) -> None:
        self.use((within or self.page).get_by_role("button", name=button, exact=True))

    def follow(self, link: str, within: Locator | None = None) -> None:
        """Open the page of the first link with this name."""
        self.use((within or self.page).get_by_role("link", name=link).first)

    def confirm(self, action: str, does: str, **fields: str) -> None:
        """Unfold the form of an action, fill its fields, and press its button."""
        self.use(self.page.get_by_text(f"{action}…", exact=True))
        form = self.page.locator("details[open]", has=self.page.get_by_text(f"{action}…", exact=True))
        for label, text in fields.items():
            self.write(label, text, within=form)
        self.press(does, within=form)

    def write(self, label: str, text: str, within: Locator | None = None) -> None:
        """Replace the text of the first field with this label."""
        field = (within or self.page).get_by_label(label).first
        if self.way is not Way.KEYBOARD:
            field.fill(text)
            return
        self.tab_to(field)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def select(self, label: str, option: str) -> None:
        """Choose an option of a list."""
        field = self.page.get_by_role("combobox", name=label, exact=True)
        if self.way is not Way.KEYBOARD:
            field.select_option(option)
            return
        self.tab_to(field)
        self.page.keyboard.type(option)
        expect(field).to_have_value(option)

    def use(self, wanted: Locator, *, key: str = "Enter") -> None:
        """Click the element; with the keyboard alone, go to it and press the key."""
        if self.way is not Way.KEYBOARD:
            wanted.click()
            return
        self.tab_to(wanted)
        assert wanted.evaluate(_SHOWS_FOCUS), f"the focus on {wanted} cannot be seen"
        self.page.keyboard.press(key)

    def reads(self, title: str, *, of: str = "") -> None:
        """Check that the page has this title and heading, and no line that is wider than the window.

        The heading of a page about one record has the record's name, of which `of` is a part.
        """
        heading = expect(self.page.get_by_role("heading", level=1))
        if of:
            heading.to_contain_text(of)
        else:
            heading.to_have_text(title)
        expect(self.page).to_have_title(title)
        assert self._is_in_window(), self.page.url

    def hears(self, sentence: str) -> None:
        """Check that the page says this about the last action, where a person sees it."""
        said = self.page.locator("p.flash")
        expect(said).to_contain_text(sentence)
        expect(said).to_be_in_viewport()

    def fits(self, name: str) -> None:
        """Check that a phone shows the whole page, and keep screenshots; only once, as each way leads to this page."""
        if self.way is Way.MOUSE:
            fits_each_window(self.page, name)

    def tab_to(self, wanted: Locator) -> None:
        """Press Tab until the element has the focus."""
        expect(wanted).to_be_visible()
        for _ in range(_MOST_FIELDS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {wanted}")

    def _is_in_window(self) -> bool:
        """Whether no line is wider than the window. A page that shows progress may reload at the same time."""
        while True:
            try:
                return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
            except Error as error:
                if "because of a navigation" not in error.message:
                    raise

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
        """Whether the console's page loads itself again, the one that is open or the one that was a moment ago."""
        page, reloaded = request.headers.get("referer", self.page.url), _without_reloaded(request.url)
        return reloaded != request.url and reloaded == _without_reloaded(page)


def _without_reloaded(url: str) -> str:
    address = urlsplit(url)
    query = [pair for pair in parse_qsl(address.query) if pair != (RELOADED, "1")]
    return address._replace(query=urlencode(query), fragment="").geturl()


def link_for(installation: Installation, user_id: str, *more: str) -> str:
    """The link that `booksync connect --browser` prints for a user."""
    printed = installation.run("connect", "--browser", "--user", user_id, *more)
    assert printed.code == 0, printed.stderr
    return printed.stdout.strip()
