"""Screenshots of the console's pages. They stay in build/screenshots, to be looked at."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

Look = tuple[int, Literal["light", "dark"]]

#: The width in pixels of a phone and of a large window, each in both schemes.
LOOKS: tuple[Look, ...] = ((320, "light"), (320, "dark"), (1200, "light"), (1200, "dark"))

#: The parts that are wider than the window although nothing scrolls them.
_TOO_WIDE = """
() => document.documentElement.scrollWidth <= window.innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter(part => part.getBoundingClientRect().right > window.innerWidth && !part.closest(".scroll"))
    .map(part => part.outerHTML.slice(0, 200))
"""


def keep(page: Page, name: str) -> None:
    """Keep a screenshot of the page as it is."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    file = "-".join(re.findall(r"\w+", name))
    # Without hiding the caret, because the pages' policy refuses the style that hides it.
    page.screenshot(path=SCREENSHOTS / f"{file}.png", full_page=True, caret="initial")


def appearances(page: Page, name: str, looks: Iterable[Look] = LOOKS) -> Iterator[str]:
    """Show the page in each of the looks, and keep screenshots; yields what is shown, in words."""
    window, scheme_before = page.viewport_size, page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        keep(page, f"{name}-{width}-{scheme}")
        yield f"{name}, {width} px, {scheme}"
    if window is not None:
        page.set_viewport_size(window)
    page.emulate_media(color_scheme="dark" if scheme_before else "light")


def too_wide(page: Page) -> list[str]:
    """The parts that make the page wider than its window."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found


def fits_each_window(page: Page, name: str) -> None:
    """Check that a phone shows the whole page too, and keep its screenshots."""
    for shown in appearances(page, name):
        assert too_wide(page) == [], shown
