"""Promises of domain/webhooks.py: a call is made only for news."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.webhooks import CachedVersion, Told, is_known

CHANGED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EARLIER, LATER = CHANGED - timedelta(seconds=1), CHANGED + timedelta(seconds=1)

CACHED = CachedVersion(is_live=True, modified_at=CHANGED, observed_at=LATER)
#: Read in the same second as its change: it may lack later changes of that second.
HALF_READ = CachedVersion(is_live=True, modified_at=CHANGED, observed_at=CHANGED)
DELETED = CachedVersion(is_live=False, modified_at=CHANGED, observed_at=LATER)


@pytest.mark.parametrize(
    ("told", "cached", "known"),
    [
        # Nothing is cached: everything but a removal is news.
        (Told(newest_change=EARLIER), None, False),
        (Told(has_untimed_change=True), None, False),
        (Told(is_wanted=True), None, False),
        (Told(has_removal=True), None, True),
        (Told(has_removal=True, newest_change=CHANGED), None, False),
        # The version is cached, or an older one, or a newer one.
        (Told(newest_change=CHANGED), CACHED, True),
        (Told(newest_change=EARLIER), CACHED, True),
        (Told(newest_change=LATER), CACHED, False),
        (Told(has_untimed_change=True), CACHED, False),
        (Told(is_wanted=True), CACHED, True),
        (Told(newest_change=EARLIER), CachedVersion(True, None, LATER), False),
        # Within one second only a repeated event has no news.
        (Told(newest_change=CHANGED), HALF_READ, False),
        (Told(newest_change=CHANGED, has_news=False), HALF_READ, True),
        (Told(newest_change=EARLIER), HALF_READ, True),
        # A second report of a removal has no news; a change of the removed record has.
        (Told(has_removal=True), CACHED, False),
        (Told(has_removal=True), DELETED, True),
        (Told(newest_change=LATER), DELETED, False),
        (Told(newest_change=CHANGED), DELETED, True),
        (Told(newest_change=EARLIER, has_removal=True), DELETED, True),
        (Told(has_untimed_change=True), DELETED, False),
        (Told(is_wanted=True), DELETED, False),
    ],
)
def test_events_are_known_if_the_cache_has_their_change(told: Told, cached: CachedVersion | None, known: bool) -> None:
    assert is_known(told, cached) is known
