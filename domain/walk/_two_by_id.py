"""Two walks by ids at the same time over one list, for a list that responds slowly."""

from dataclasses import dataclass, replace
from typing import Self

from domain.walk._by_id import WalkById


@dataclass(frozen=True, slots=True)
class TwoWalksById:
    """The walk over a list, and a second walk over the leaps that follow: request pages of both in any order.

    The second walk begins behind the page to which the first one has jumped ahead. Like each leap it ends at a page
    that shares a row with that page, so no row is missed between the two, whichever page was read earlier. Both
    together request the same pages as one walk alone. Without the second walk, its pages are read again.
    """

    walk: WalkById
    ahead: WalkById | None = None  #: has returned the pages that it covers, but counts only once `walk` reaches it

    @property
    def next_ahead(self) -> WalkById | None:
        """The second walk, of which the next page may be requested; None if there is nothing for it to read."""
        ahead = self.ahead or self.walk.following_leap()
        return None if ahead is None or ahead.is_finished else ahead

    def having_walked(self, walk: WalkById) -> Self:
        """The walks after a page of the first walk, which is `walk` now."""
        if self.ahead is None or walk.note != self.walk.note:
            return replace(self, walk=walk, ahead=None)
        if walk.far is None:
            return replace(self, walk=self.ahead, ahead=None)
        return replace(self, walk=walk)

    def having_walked_ahead(self, ahead: WalkById) -> Self:
        """The walks after a page of the second walk, which is `ahead` now.

        If that page shows that the list cannot be read in the usual way, the first walk learns it too, and goes on
        alone.
        """
        if ahead.note == self.walk.note:
            return replace(self, ahead=ahead)
        return replace(self, walk=self.walk.distrusting_as(ahead), ahead=None)
