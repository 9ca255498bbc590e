"""Promises of domain/dead_letters.py: equal errors have equal fingerprints, different errors different ones."""

import pytest

from domain.dead_letters import fingerprint

ERROR = ("upsert_customers", "ValueError", ("workers.sync.customers:upsert_customers", "domain.phones:parsed"))


def test_the_same_error_has_the_same_fingerprint() -> None:
    assert fingerprint(*ERROR) == fingerprint(*ERROR)
    assert len(fingerprint(*ERROR)) == 12
    assert set(fingerprint(*ERROR)) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        ("create_reminders", *ERROR[1:]),
        (ERROR[0], "KeyError", ERROR[2]),
        (*ERROR[:2], ("workers.sync.customers:upsert_customers",)),
        (*ERROR[:2], tuple(reversed(ERROR[2]))),
    ],
    ids=["another actor", "another type", "another depth", "another place"],
)
def test_another_error_has_another(other: tuple[str, str, tuple[str, ...]]) -> None:
    assert fingerprint(*other) != fingerprint(*ERROR)
