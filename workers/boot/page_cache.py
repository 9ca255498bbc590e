"""The pages that this process has fetched and staged, kept so that it need not parse their bytes again."""

import threading
import uuid
from collections import OrderedDict
from typing import Any

from domain.entities import Entity
from domain.lists import Page, RawPage

#: The most pages of a process: those of one slice, and some more. A page takes some 300 KB.
_MOST_PAGES = 40

_Key = tuple[uuid.UUID, str, int]


class PageCache:
    """The staged pages of a process, by run, entity and page number. Only the newest are kept. Safe for threads."""

    def __init__(self, most: int = _MOST_PAGES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._pages: OrderedDict[_Key, Page[Any]] = OrderedDict()

    def keep(self, run_id: uuid.UUID, entity: Entity, number: int, page: Page[Any]) -> None:
        """Keep a page that is staged under this number."""
        with self._lock:
            self._pages[run_id, entity.name, number] = page
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)

    def take(self, run_id: uuid.UUID, entity: Entity, number: int, raw: RawPage) -> Page[Any] | None:
        """Remove the page with this number, and return it if it was parsed from the bytes `raw`; else return None.

        The bytes can differ, because another process may have staged another page under the same number.
        """
        with self._lock:
            page = self._pages.pop((run_id, entity.name, number), None)
        return page if page is not None and page.raw == raw else None
