"""The choice between copies of a customer's phone, and the verdict on it."""

import uuid
from collections.abc import Sequence

from db.legacy.customer_phones import CustomerKey, PhoneCopy, choose_phones, judged
from db.legacy.present_phone_rule import judge_phone
from tests.tables import table

KEY: CustomerKey = (uuid.UUID(int=1), "C1")

VALID = PhoneCopy(uuid.UUID(int=2), "+442070313000")
OTHER_VALID = PhoneCopy(uuid.UUID(int=3), "+442070313001")
NO_NUMBER = PhoneCopy(uuid.UUID(int=4), "n/a")


@table(
    ("copy", "country", "e164"),
    [
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78", "FR"), "FR", "+33612345678"),
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78"), "FR", "+33612345678"),
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78", "FR"), None, "+33612345678"),
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78", "FR"), "US", "+33612345678"),  # not an American number
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78", "FR"), "MA", None),  # a Moroccan number as well
        (PhoneCopy(uuid.UUID(int=2), "+33 6 12 34 56 78", "FR"), "MA", "+33612345678"),
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78", country_unknown=True), "FR", None),
        (PhoneCopy(uuid.UUID(int=2), "06 12 34 56 78"), None, None),
    ],
)
def test_a_number_is_read_in_its_copys_country_unless_the_customers_country_gives_another(
    copy: PhoneCopy, country: str | None, e164: str | None
) -> None:
    assert judged(copy, country, judge_phone).e164 == e164


def test_the_newest_valid_copy_wins() -> None:
    chosen = choose_phones({KEY: (NO_NUMBER, "GB")}, lambda _: {KEY: [NO_NUMBER, OTHER_VALID, VALID]}, judge_phone)

    assert (chosen[KEY].copy, chosen[KEY].stored, chosen[KEY].problem) == (OTHER_VALID, "+442070313001", None)


def test_without_a_valid_copy_the_newest_one_wins_with_its_problem() -> None:
    older = PhoneCopy(uuid.UUID(int=5), "ask Bob")

    chosen = choose_phones({KEY: (NO_NUMBER, "GB")}, lambda _: {KEY: [NO_NUMBER, older]}, judge_phone)

    assert (chosen[KEY].copy, chosen[KEY].stored, chosen[KEY].problem) == (NO_NUMBER, "n/a", "not_a_number")


def test_other_copies_are_not_read_if_the_newest_one_is_valid() -> None:
    asked: list[Sequence[CustomerKey]] = []
    doubtful = (uuid.UUID(int=1), "C2")

    def copies(keys: Sequence[CustomerKey]) -> dict[CustomerKey, list[PhoneCopy]]:
        asked.append(keys)
        return {key: [] for key in keys}

    choose_phones({KEY: (VALID, "GB"), doubtful: (NO_NUMBER, "GB")}, copies, judge_phone)
    choose_phones({KEY: (VALID, "GB")}, copies, judge_phone)

    assert asked == [[doubtful]]
