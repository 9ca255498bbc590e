"""Figures of samples, and the table of promises with their verdicts."""

from collections.abc import Sequence
from statistics import quantiles

from rich.table import Table

from benchmarks.sync import Promise


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """The percentile of durations in seconds, in milliseconds."""
    return quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


def verdicts(promises: Sequence[Promise]) -> Table:
    """A table of promises whose bounds are maxima."""
    table = Table("promise", "measured", "at most", "verdict", title="Promises")
    for promise in promises:
        verdict = "kept" if promise.is_kept else "[red]broken[/red]"
        table.add_row(promise.what, f"{promise.figure:.3g}{promise.unit}", f"{promise.bound:g}{promise.unit}", verdict)
    return table
