"""Makes the README's screenshots again, from the console of a demo of its own: `make screenshots`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

PROJECT = Path(__file__).parents[1]
IMAGES = PROJECT / "docs" / "images"

_FOLDER = PROJECT / "build" / "screenshots-demo"
_SIZE = ("--contacts", "200", "--invoices", "500")
_DEMO = (sys.executable, "-m", "sandbox.demo", "--fresh", "--folder", str(_FOLDER), *_SIZE)
_LAST_WORDS = "Ctrl-C ends it"
_LINK = re.compile(r"http://\S+/sign-in\?link=\S+")
_WINDOW = {"width": 1100, "height": 760}
_MOST_BYTES = 150_000

#: The links that lead from the first page to the second picture: why the customer of an invoice is not reminded.
_TO_DETAIL = (r"/invoices$", r"[?&]reason=no_phone", r"/invoices/[0-9a-f-]{36}$")


def main() -> int:
    """Write docs/images/*.png. The exit code is 1 if Chromium is missing, or if a picture is too large."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("make screenshots needs Chromium: install Debian's package chromium.\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        _demo() as link,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium) as browser,
    ):
        page = browser.new_context(viewport=_WINDOW, color_scheme="light").new_page()  # type: ignore[arg-type]
        page.goto(link)
        page.get_by_role("status").filter(has_text="being counted").wait_for(state="detached")
        pictures = [_keep(page, "console-overview.png")]
        _open_detail(page)
        pictures.append(_keep(page, "console-detail.png"))
    large = [picture.name for picture in pictures if picture.stat().st_size > _MOST_BYTES]
    if large:
        sys.stderr.write(f"Larger than {_MOST_BYTES:,} bytes: {', '.join(large)}\n")
    return 1 if large else 0


@contextmanager
def _demo() -> Iterator[str]:
    """Run a demo until the end of the block, and yield the link that signs in to its console."""
    with subprocess.Popen(_DEMO, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if _LAST_WORDS in line:
                    break
            found = _LINK.search(said)
            if found is None:
                raise SystemExit(f"The demo has printed no link that signs in. It said: {said}")
            yield found[0]
        finally:
            process.terminate()
            process.stdout.read()


def _open_detail(page: Page) -> None:
    for pattern in _TO_DETAIL:
        links = (urljoin(page.url, link.get_attribute("href") or "") for link in page.get_by_role("link").all())
        page.goto(next(link for link in links if re.search(pattern, link)))


def _keep(page: Page, name: str) -> Path:
    path = IMAGES / name
    page.screenshot(path=path)
    return path


if __name__ == "__main__":
    sys.exit(main())
