"""The calls that a running simulator has seen, as its control API reports them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.zoho.stats import CallKind, worst_window


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One call that the simulator saw; `monotonic` is this machine's steady clock, `status` is 0 without a response."""

    monotonic: float
    wall: float
    organization_id: str
    kind: CallKind
    status: int
    method: str


@dataclass(frozen=True, slots=True)
class SeenStats:
    calls: Mapping[str, Mapping[str, Mapping[str, int]]]
    """Organisation → kind of call → HTTP status (as text) → number of calls."""
    max_at_once: Mapping[str, int]
    token_refreshes: int
    token_exchanges: int
    arrivals: Sequence[SeenCall] = field(repr=False)

    def count(self, kind: CallKind | None = None, status: int | None = None, organization_id: str | None = None) -> int:
        """The number of calls that match the arguments that are given; token calls only when `kind` is TOKEN."""
        return sum(
            1
            for each in self.arrivals
            if (each.kind is kind if kind is not None else each.kind is not CallKind.TOKEN)
            and status in (None, each.status)
            and organization_id in (None, each.organization_id)
        )

    @property
    def writes(self) -> int:
        """The number of calls that tried to change the books; each was refused with HTTP 405."""
        return sum(1 for each in self.arrivals if each.kind is not CallKind.TOKEN and each.method != "GET")

    def worst_window(self, seconds: float, organization_id: str | None = None) -> int:
        """The maximum number of calls (without token calls) that reached one organisation in any `seconds` seconds."""
        organizations = {organization_id} if organization_id else {each.organization_id for each in self.arrivals}
        return max((worst_window(self._instants(each), seconds) for each in organizations), default=0)

    def _instants(self, organization_id: str) -> list[float]:
        return [
            each.monotonic
            for each in self.arrivals
            if each.organization_id == organization_id and each.kind is not CallKind.TOKEN
        ]
