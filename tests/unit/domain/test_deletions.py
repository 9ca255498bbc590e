"""Promises of domain/deletions.py: an error of a list never empties the cache or uses up the day's budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deletions import SAFEGUARD_COUNT, Evidence, Tally, is_unreliable, needs_permission


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
    assert needs_permission(Tally(cached=cached, gone=count, held=0)) is are_many
    assert is_unreliable(count, cached) is are_many


@given(st.integers(0, 100_000), st.integers(0, 2_000), st.integers(0, 2_000))
def test_held_records_count_like_gone_ones(cached: int, gone: int, held: int) -> None:
    held_and_gone = needs_permission(Tally(cached=cached, gone=gone, held=held))
    assert held_and_gone is needs_permission(Tally(cached=cached, gone=gone + held, held=0))
    assert held_and_gone or gone + held <= max(SAFEGUARD_COUNT, cached * 0.02)


@pytest.mark.parametrize("evidence", Evidence)
def test_each_evidence_has_a_sentence(evidence: Evidence) -> None:
    assert evidence.sentence
