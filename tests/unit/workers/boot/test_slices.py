"""Promises of boot/slices.py: how many pages one step reads."""

from dataclasses import replace

from workers.boot.slices import Slice, SliceLimits

LIMITS = SliceLimits(pages=3, seconds=10.0)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_slice_ends_after_its_pages() -> None:
    part = Slice(LIMITS)
    for _ in range(LIMITS.pages):
        assert part.has_room
        part.count_page()
    assert not part.has_room


def test_a_slice_ends_after_its_seconds() -> None:
    clock = Clock()
    part = Slice(LIMITS, clock)
    part.count_page()
    clock.seconds += LIMITS.seconds - 1
    assert part.has_room
    clock.seconds += 1
    assert not part.has_room


def test_a_slice_ends_when_another_message_wants_the_thread() -> None:
    part = Slice(replace(LIMITS, is_thread_wanted=lambda: True))
    part.count_page()
    assert not part.has_room


def test_a_slice_has_at_least_one_page() -> None:
    clock = Clock()
    part = Slice(SliceLimits(pages=0, seconds=0, is_thread_wanted=lambda: True), clock)
    clock.seconds += 60
    assert part.has_room
