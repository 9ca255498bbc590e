"""The next page of a walk: refused page lengths are not used again, and other refusals are raised."""

from dataclasses import replace

import pytest

from domain.lists import PER_PAGE, ListRequest, Page
from domain.walk import Walk
from tests.unit.domain.upstream import Row, a_list, everything, ids
from workers.zoho.errors import BadRequest
from workers.zoho.list_reader import walk_on


def test_crowd_is_read_completely_when_other_page_lengths_are_refused() -> None:
    upstream = a_list(*[100] * 450, *range(101, 300))

    def get(request: ListRequest) -> Page[Row]:
        if request.per_page != PER_PAGE:
            raise BadRequest("GET /contacts")
        return upstream.answer(request)

    walk, told, refused = Walk.begin(None), set[str](), 0
    while not walk.is_finished:
        walk, page, rows = walk_on(walk, get)
        told |= set(ids(rows))
        refused += page is None
    assert told == set(everything(upstream))
    assert refused == 1


def test_a_refused_page_of_the_usual_length_is_an_error() -> None:
    def get(_: ListRequest) -> Page[Row]:
        raise BadRequest("GET /contacts")

    with pytest.raises(BadRequest):
        walk_on(Walk.begin(None), get)


def test_finished_walk_requests_no_page() -> None:
    with pytest.raises(ValueError, match="finished"):
        walk_on(replace(Walk.begin(None), is_finished=True), a_list().answer)
