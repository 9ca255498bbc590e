"""A table of cases as one test: pytest takes longer to set up a test than most cases of pure code take."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Test = Callable[..., None]


def table(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, for a test without fixtures: it runs all rows and reports each one that fails."""
    columns = (names,) if isinstance(names, str) else names
    cases = [dict(zip(columns, (row,) if isinstance(names, str) else row, strict=True)) for row in rows]
    assert cases, "A table without rows tests nothing."

    def of_all_rows(test: Test) -> Test:
        @functools.wraps(test)
        def each_row(*instance: Any, **outer_row: Any) -> None:
            failures = [failure for case in cases if (failure := _failure(test, instance, outer_row | case))]
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} rows fail", failures)

        del each_row.__wrapped__  # pytest would take its parameters for fixtures.
        return each_row

    return of_all_rows


def _failure(test: Test, instance: tuple[Any, ...], case: dict[str, Any]) -> BaseException | None:
    try:
        test(*instance, **case)
    except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001  # A test may fail with any error.
        failure.add_note(f"The row: {case}")
        return failure
    return None
