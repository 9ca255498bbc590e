"""Bounds of measured figures, and the table of their verdicts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from rich.table import Table


@dataclass(frozen=True)
class Promise:
    """A figure and its bound; `is_most` means that the bound is a maximum."""

    what: str
    figure: float
    bound: float
    unit: str
    is_most: bool = False

    @property
    def is_kept(self) -> bool:
        return self.figure <= self.bound if self.is_most else self.figure >= self.bound


def verdicts(promises: Sequence[Promise]) -> Table:
    table = Table("promise", title="Promises")
    for name in ("measured", "bound"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for promise in promises:
        sign = "≤" if promise.is_most else "≥"
        table.add_row(
            promise.what,
            f"{promise.figure:.3g}{promise.unit}",
            f"{sign} {promise.bound:g}{promise.unit}",
            "kept" if promise.is_kept else "[red]broken[/red]",
        )
    return table


def exit_code(promises: Iterable[Promise]) -> int:
    """0 if all promises are kept, else 1."""
    return 0 if all(promise.is_kept for promise in promises) else 1


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """The percentile of durations in seconds, in milliseconds."""
    return quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000
