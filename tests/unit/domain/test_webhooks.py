"""Promises of domain/webhooks.py: a call is made only for news."""

from datetime import UTC, datetime, timedelta

from domain.webhooks import CachedVersion, EventSummary, is_known
from tests.tables import table

CHANGED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EARLIER, LATER = CHANGED - timedelta(seconds=1), CHANGED + timedelta(seconds=1)

CACHED = CachedVersion(is_live=True, modified_at=CHANGED, observed_at=LATER)
#: Read in the same second as its change: it may lack later changes of that second.
HALF_READ = CachedVersion(is_live=True, modified_at=CHANGED, observed_at=CHANGED)
DELETED = CachedVersion(is_live=False, modified_at=CHANGED, observed_at=LATER)


@table(
    ("told", "cached", "known"),
    [
        # Nothing is cached: everything but a removal is news.
        (EventSummary(newest_change=EARLIER), None, False),
        (EventSummary(has_untimed_change=True), None, False),
        (EventSummary(is_wanted=True), None, False),
        (EventSummary(has_removal=True), None, True),
        (EventSummary(has_removal=True, newest_change=CHANGED), None, False),
        # The version is cached, or an older one, or a newer one.
        (EventSummary(newest_change=CHANGED), CACHED, True),
        (EventSummary(newest_change=EARLIER), CACHED, True),
        (EventSummary(newest_change=LATER), CACHED, False),
        (EventSummary(has_untimed_change=True), CACHED, False),
        (EventSummary(is_wanted=True), CACHED, True),
        (EventSummary(newest_change=EARLIER), CachedVersion(True, None, LATER), False),
        # Within one second only a repeated event has no news.
        (EventSummary(newest_change=CHANGED), HALF_READ, False),
        (EventSummary(newest_change=CHANGED, has_news=False), HALF_READ, True),
        (EventSummary(newest_change=EARLIER), HALF_READ, True),
        # A second report of a removal has no news; a change of the removed record has.
        (EventSummary(has_removal=True), CACHED, False),
        (EventSummary(has_removal=True), DELETED, True),
        (EventSummary(newest_change=LATER), DELETED, False),
        (EventSummary(newest_change=CHANGED), DELETED, True),
        (EventSummary(newest_change=EARLIER, has_removal=True), DELETED, True),
        (EventSummary(has_untimed_change=True), DELETED, False),
        (EventSummary(is_wanted=True), DELETED, False),
    ],
)
def test_events_are_known_if_the_cache_has_their_change(
    told: EventSummary, cached: CachedVersion | None, known: bool
) -> None:
    assert is_known(told, cached) is known
