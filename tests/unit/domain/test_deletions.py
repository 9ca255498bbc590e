"""Promises of domain/deletions.py: an error of a list never empties the cache, nor the day's budget."""

import pytest

from domain.deletions import is_unreliable, needs_permission


@pytest.mark.parametrize(
    ("count", "cached", "are_many"),
    [
        (0, 0, False),
        (10, 10, False),  # A small organisation may lose ten at once.
        (11, 11, True),
        (11, 550, False),  # Two in a hundred may be an ordinary day.
        (12, 550, True),
        (500, 25_000, False),
        (501, 25_000, True),
    ],
)
def test_suspiciously_many_are_more_than_ten_and_more_than_two_in_a_hundred(
    count: int, cached: int, are_many: bool
) -> None:
    assert needs_permission(count, cached) is are_many
    assert is_unreliable(count, cached) is are_many
