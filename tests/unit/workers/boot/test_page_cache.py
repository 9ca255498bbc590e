"""Promises of boot/page_cache.py: a page is returned once, and only for the bytes that it was read from."""

import datetime as dt
import uuid

from domain.entities import CUSTOMER, INVOICE
from domain.lists import Page, RawPage
from workers.boot.page_cache import PageCache

RUN = uuid.UUID(int=1)
SOME_TIME = dt.datetime(2026, 3, 2, 11, 0, tzinfo=dt.UTC)
RAW = RawPage(b"{}", SOME_TIME, SOME_TIME)


def a_page(raw: RawPage = RAW) -> Page[object]:
    return Page([], [], has_more=False, server_time=SOME_TIME, raw=raw)


def test_a_page_is_returned_once() -> None:
    pages, page = PageCache(), a_page()
    pages.keep(RUN, CUSTOMER, 1, page)
    assert pages.take(RUN, CUSTOMER, 1, RAW) is page
    assert pages.take(RUN, CUSTOMER, 1, RAW) is None


def test_a_page_belongs_to_its_run_entity_and_number() -> None:
    pages = PageCache()
    pages.keep(RUN, CUSTOMER, 1, a_page())
    assert pages.take(uuid.UUID(int=2), CUSTOMER, 1, RAW) is None
    assert pages.take(RUN, INVOICE, 1, RAW) is None
    assert pages.take(RUN, CUSTOMER, 2, RAW) is None


def test_a_page_that_another_process_has_staged_again_is_not_returned() -> None:
    pages = PageCache()
    pages.keep(RUN, CUSTOMER, 1, a_page())
    assert pages.take(RUN, CUSTOMER, 1, RawPage(b"[]", SOME_TIME, SOME_TIME)) is None


def test_the_oldest_pages_are_dropped() -> None:
    pages = PageCache(most=2)
    for number in (1, 2, 3):
        pages.keep(RUN, CUSTOMER, number, a_page())
    assert pages.take(RUN, CUSTOMER, 1, RAW) is None
    assert pages.take(RUN, CUSTOMER, 2, RAW) is not None
