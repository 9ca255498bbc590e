"""Promises of services/doctor/checkup.py and of the report that `booksync doctor` prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.process_rows import NOW
from workers.cli.doctor import _report
from workers.services.doctor.checkup import Checkup
from workers.services.doctor.findings import Finding, Part, Severity, error, warning

LONG = "a trouble " * 30


def lines(checkup: Checkup) -> list[str]:
    return [line for line, _ in _report(checkup)]


def a_finding(part: Part, severity: Severity, name: str = "x") -> Finding:
    return Finding(severity, part, name, "What", "cause", "next")


FINDINGS = st.lists(
    st.builds(a_finding, st.sampled_from(Part), st.sampled_from([Severity.ERROR, Severity.WARNING]), st.text("ab"))
)


def test_errors_come_first_then_the_order_of_the_parts() -> None:
    found = [
        warning(Part.POSTGRES, "a", "A", cause="c", next_step="n"),
        error(Part.REMINDERS, "b", "B", cause="c", next_step="n"),
        error(Part.REDIS, "c", "C", cause="c", next_step="n"),
    ]
    assert [each.name for each in Checkup.of(found, {}).findings] == ["c", "b", "a"]


@given(FINDINGS, st.dictionaries(st.sampled_from(Part), st.just("why")))
def test_each_part_is_well_ill_or_unchecked(found: list[Finding], unchecked: dict[Part, str]) -> None:
    checkup = Checkup.of(found, unchecked)
    assert {*checkup.well, *unchecked, *(each.part for each in found)} == set(Part)
    assert not {*checkup.well} & {*unchecked, *(each.part for each in found)}


@given(FINDINGS)
def test_only_an_error_makes_the_installation_ill(found: list[Finding]) -> None:
    checkup = Checkup.of(found, {})
    assert checkup.is_well is not any(each.severity is Severity.ERROR for each in found)
    assert checkup.as_json()["errors"] + checkup.as_json()["warnings"] == len(found)


@given(FINDINGS)
def test_the_report_shows_each_kind_of_finding(found: list[Finding]) -> None:
    shown = sum(line == "  What." for line in lines(Checkup.of(found, {})))
    kinds: dict[tuple[Part, Severity, str], int] = {}
    for each in found:
        kinds[each.part, each.severity, each.name] = kinds.get((each.part, each.severity, each.name), 0) + 1
    assert shown == sum(min(3, count) for count in kinds.values())


def test_the_report_of_a_healthy_installation_is_one_sentence() -> None:
    assert " ".join(lines(Checkup.of([], {}))) == f"All is well: {', '.join(Part)}."


def test_the_report_fits_eighty_columns() -> None:
    checkup = Checkup.of([error(Part.REDIS, "a", LONG, cause=LONG, next_step=LONG, since=NOW)], {Part.KEYS: LONG})
    assert max(map(len, lines(checkup))) <= 80
    assert not any("\n" in line for line in lines(checkup))  # The terminal escapes line breaks in texts.


def test_a_finding_shows_what_since_cause_and_next_step() -> None:
    found = error(Part.REDIS, "a", "Redis is full", cause="no write", next_step="raise maxmemory", since=NOW)
    assert lines(Checkup.of([found], {}))[:4] == [
        "Redis: error",
        "  Redis is full (since 2026-11-28 12:00 UTC).",
        "    Cause: no write.",
        "    Next:  raise maxmemory",
    ]


@pytest.mark.parametrize("count", [3, 4])
def test_findings_of_one_kind_are_shown_up_to_a_limit(count: int) -> None:
    found = [error(Part.RUNS, "a", f"Run {number}", cause="c", next_step="n") for number in range(count)]
    told = "    … and 1 more of this kind (--json has all)"
    assert (told in lines(Checkup.of(found, {}))) is (count == 4)


def test_unchecked_parts_are_named_with_the_reason() -> None:
    unchecked = {Part.RUNS: "Postgres does not work", Part.KEYS: "Postgres does not work"}
    assert "Not checked, because Postgres does not work: runs, keys." in lines(Checkup.of([], unchecked))
