"""Runs step by step, processes that are killed in the middle of a step, and what another process does afterwards."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domain.runs import Mode, Phase
from tests.integration.chain.bench import Bench
from workers.boot.page_cache import PageCache
from workers.boot.slices import SliceLimits


class Killed(BaseException):
    """The process ends here: nothing is released or written afterwards."""


def step_until(bench: Bench, phase: Phase) -> None:
    while (step := bench.present_step()) is not None and step.phase is not phase:
        bench.take(step)


def finish(bench: Bench) -> None:
    while (step := bench.present_step()) is not None:
        bench.skip_waiting()
        bench.take(step)


def killed_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int) -> None:
    """End the process at the `call`-th call of a function."""
    real, calls = getattr(module, name), 0

    def ends(*args: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*args, **keywords)

    monkeypatch.setattr(module, name, ends)


def restarted(bench: Bench) -> Bench:
    """The connection in another process, after the lease of the killed one has expired."""
    bench.rows("UPDATE booksync.sync_runs SET claimed_until = now() RETURNING id")
    return replace(bench, resources=replace(bench.resources, pages=PageCache()))


def sync_with_a_kill(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int
) -> tuple[int, int]:
    """The API calls of an undisturbed sync, and of a sync whose process is killed at the `call`-th call of a function.

    Another process finishes the second sync.
    """
    undisturbed = bench.sync(Mode.FULL)["api_calls"]
    bench.zoho.reset_stats()
    bench.start(Mode.FULL)
    with monkeypatch.context() as killing:
        killed_at(killing, module, name, call)
        with pytest.raises(Killed):
            finish(bench)
    finish(restarted(bench))
    return undisturbed, len(bench.zoho.stats().arrivals)


def at_page(number: int, do: Callable[[], object]) -> SliceLimits:
    """Slices that call `do` after a number of fetched pages."""
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        if looks == number:
            do()
        return False

    return SliceLimits(pages=30, is_thread_wanted=look)
