"""Promises of domain/phones.py: the number that counts, and whether it is valid."""

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.contacts import ContactPerson
from domain.phones import NumberCountry, PhoneCandidate, PhoneFallback, PhoneField, PhoneKind, PhoneProblem, candidates
from domain.phones.choosing import choose, judge_all
from domain.phones.judging import judge
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_person
from tests.tables import table

COUNTRIES = sorted(
    {"AE", "AR", "AT", "AU", "BD", "BE", "BG", "BR", "CA", "CH", "CL", "CN", "CO", "CZ", "DE", "DK", "EG", "ES", "ET"}
    | {"FI", "FR", "GB", "GH", "GR", "HK", "HU", "ID", "IE", "IL", "IN", "IS", "IT", "JP", "KE", "KR", "LK", "MA", "MX"}
    | {"MY", "NG", "NL", "NO", "NZ", "PE", "PH", "PK", "PL", "PT", "RO", "RU", "SA", "SE", "SG", "TH", "TR", "TW", "UA"}
    | {"US", "VN", "ZA"}
)
INVALID = "555-0100"


def values(found: tuple[PhoneCandidate, ...]) -> list[str]:
    return [candidate.raw for candidate in found]


class TestCandidates:
    @pytest.mark.parametrize(
        ("persons", "order"),
        [
            # The primary's mobile has precedence over the primary's phone.
            ([a_person(phone="2", mobile="1", is_primary=True)], ["1", "2"]),
            # All numbers of the primary have precedence over other mobiles, at any position in Zoho's list.
            ([a_person(mobile="2"), a_person(phone="1", is_primary=True)], ["1", "2"]),
            # The others keep their order, each mobile before phone.
            (
                [a_person(mobile="1", is_primary=True), a_person(phone="3", mobile="2"), a_person(mobile="4")],
                ["1", "2", "3", "4"],
            ),
            # Blanks of any kind do not count as a number.
            ([a_person(mobile=" \t", phone=" 1 ", is_primary=True)], ["1"]),
            # Without a primary person the given order counts.
            ([a_person(phone="1"), a_person(mobile="2")], ["1", "2"]),
            ([a_person()], []),
            ([], []),
        ],
    )
    def test_are_in_order_of_precedence(self, persons: list[ContactPerson], order: list[str]) -> None:
        assert values(candidates(persons)) == order

    def test_have_their_position(self) -> None:
        (candidate,) = candidates([a_person("7002", phone="1")])
        assert (candidate.person_id, candidate.source) == ("7002", PhoneField.PHONE)

    def test_keep_the_number_out_of_their_repr(self) -> None:
        (candidate,) = candidates([a_person(mobile=A_BRITISH_MOBILE)])
        assert A_BRITISH_MOBILE not in repr(candidate)


class TestChoose:
    def test_chooses_the_first_number_even_if_it_is_invalid(self) -> None:
        numbers = candidates([a_person(mobile=INVALID, phone=A_LONDON_PHONE, is_primary=True)])
        chosen = choose(numbers, NumberCountry("US"), PhoneFallback.NONE)
        assert chosen is not None
        assert (chosen.candidate.raw, chosen.verdict.problem) == (INVALID, PhoneProblem.NO_AREA_CODE)

    def test_chooses_the_first_valid_number_with_that_fallback(self) -> None:
        numbers = candidates([a_person(mobile=INVALID, phone=A_LONDON_PHONE, is_primary=True), a_person(mobile="1")])
        chosen = choose(numbers, NumberCountry("US"), PhoneFallback.VALID)
        assert chosen is not None
        assert chosen.verdict.e164 == A_LONDON_PHONE

    def test_chooses_the_first_number_if_all_are_invalid(self) -> None:
        numbers = candidates([a_person(mobile=INVALID, phone="n/a", is_primary=True)])
        chosen = choose(numbers, NumberCountry("US"), PhoneFallback.VALID)
        assert chosen is not None
        assert chosen.candidate.raw == INVALID

    @pytest.mark.parametrize("fallback", PhoneFallback)
    def test_chooses_nothing_without_a_number(self, fallback: PhoneFallback) -> None:
        assert choose((), NumberCountry("US"), fallback) is None

    def test_can_show_every_number_that_was_tried(self) -> None:
        numbers = candidates([a_person(mobile="n/a", phone=A_LONDON_PHONE)])
        assert [phone.verdict.problem for phone in judge_all(numbers, NumberCountry("GB"))] == [
            PhoneProblem.NOT_A_NUMBER,
            None,
        ]


class TestJudge:
    @table(
        ("raw", "region", "e164"),
        [
            # Values seen in Zoho.
            ("01772 555 012", "GB", "+441772555012"),
            ("02070000000 ", "GB", "+442070000000"),
            ("+254700000000", None, "+254700000000"),
            ("9773000000", "IN", "+919773000000"),
            ("+1-925-555-0101", "IN", "+19255550101"),
            # The number's own prefix has precedence over the contact's country.
            ("+44 7912 345678", "US", A_BRITISH_MOBILE),
            ("44 7912 345678", "GB", A_BRITISH_MOBILE),
            # The case of a region does not matter.
            ("07912 345678", "gb", A_BRITISH_MOBILE),
            # The trunk zero between prefix and number, with or without brackets.
            ("+44 (0)20 7031 3000", "US", A_LONDON_PHONE),
            ("+4407912345678", None, A_BRITISH_MOBILE),
            # Italy's zero is part of the number.
            ("02 1234 5678", "IT", "+390212345678"),
            # International prefixes: the country's own, and the one of most countries.
            ("00 44 20 7031 3000", "GB", A_LONDON_PHONE),
            ("011 44 20 7031 3000", "US", A_LONDON_PHONE),
            ("0044 20 7031 3000", "US", A_LONDON_PHONE),
            ("0044 20 7031 3000", None, A_LONDON_PHONE),
            # E.164 has no extension, so the switchboard is called.
            ("020 7031 3000 ext. 12", "GB", A_LONDON_PHONE),
            ("020 7031 3000 x12", "GB", A_LONDON_PHONE),
            ("020 7031 3000,,12#", "GB", A_LONDON_PHONE),
            # Remarks before and after.
            ("Tel: 020 7031 3000", "GB", A_LONDON_PHONE),
            ("tel:+44-20-7031-3000", "US", A_LONDON_PHONE),
            ("020 7031 3000 (Bob)", "GB", A_LONDON_PHONE),
            ("07912345678 Bob Smith", "GB", A_BRITISH_MOBILE),
            # Several numbers: the first valid one.
            ("020 7031 3000 / 07912 345678", "GB", A_LONDON_PHONE),
            ("020 7031 3000/07912345678", "GB", A_LONDON_PHONE),
            ("07912 345678 or 020 7031 3000", "GB", A_BRITISH_MOBILE),
            ("020 7031 3000\r\n07912 345678", "GB", A_LONDON_PHONE),
            ("030/12345678, 0171/1234567", "DE", "+493012345678"),
            # A slash after the area code separates nothing.
            ("030 / 12345678", "DE", "+493012345678"),
            ("033056/123456", "DE", "+4933056123456"),
            # Words are digits only where numbers are sold as words.
            ("1-800-FLOWERS", "US", "+18003569377"),
            # Characters left by pasting: NUL, tabs, direction marks, no-break and zero-width blanks.
            ("020 7031\x003000", "GB", A_LONDON_PHONE),
            ("+44 7912\t345678", "US", A_BRITISH_MOBILE),
            ("\u202a+44 7912 345678\u202c", "US", A_BRITISH_MOBILE),
            ("+44\u00a07912\u200b345678", "US", A_BRITISH_MOBILE),
            ("  \n07912 345678", "GB", A_BRITISH_MOBILE),
            # Digits of other scripts.
            ("٠٢٠٧٠٣١٣٠٠٠", "GB", A_LONDON_PHONE),
            ("＋４４７９１２３４５６７８", "US", A_BRITISH_MOBILE),
            # A number without a country.
            ("+800 1234 5678", "US", "+80012345678"),
        ],
    )
    def test_reads_a_valid_number(self, raw: str, region: str | None, e164: str) -> None:
        verdict = judge(raw, region)
        assert (verdict.e164, verdict.problem, verdict.is_valid) == (e164, None, True)

    @table(
        ("raw", "region", "problem"),
        [
            ("n/a", "GB", PhoneProblem.NOT_A_NUMBER),
            ("call Bob", "GB", PhoneProblem.NOT_A_NUMBER),
            ("/", "GB", PhoneProblem.NOT_A_NUMBER),
            ("+", "GB", PhoneProblem.NOT_A_NUMBER),
            ("\0", "GB", PhoneProblem.NOT_A_NUMBER),
            ("", "GB", PhoneProblem.NOT_A_NUMBER),
            # No prefix and no country; a country code that does not exist.
            ("9773000000", None, PhoneProblem.UNKNOWN_REGION),
            ("9773000000", "XX", PhoneProblem.UNKNOWN_REGION),
            ("+999 123456", "GB", PhoneProblem.INVALID_COUNTRY_CODE),
            ("555-0100", "US", PhoneProblem.NO_AREA_CODE),
            # The first number counts, although it is incomplete.
            ("555-0100; 925-555-0101", "US", PhoneProblem.NO_AREA_CODE),
            ("555-0100 / 555-0101", "US", PhoneProblem.TOO_LONG),
            # An emergency number is never a customer's.
            ("112", "GB", PhoneProblem.TOO_SHORT),
            ("+44 79", "GB", PhoneProblem.TOO_SHORT),
            ("+44 7912 345678 901", "GB", PhoneProblem.TOO_LONG),
            ("1" * 250, "GB", PhoneProblem.TOO_LONG),
            ("1" * 5000, "GB", PhoneProblem.TOO_LONG),
            ("x" * 250, "GB", PhoneProblem.NOT_A_NUMBER),
            ("+65 9123 45678", None, PhoneProblem.IMPOSSIBLE_LENGTH),
            # Reserved for films: British 07700 900… is never assigned.
            ("+44 7700 900123", "GB", PhoneProblem.NOT_IN_USE),
            # "Bob" on a keypad would turn the text into a stranger's mobile.
            ("07912 345 Bob", "GB", PhoneProblem.NOT_IN_USE),
        ],
    )
    def test_reports_the_problem_of_any_other_text(self, raw: str, region: str | None, problem: PhoneProblem) -> None:
        verdict = judge(raw, region)
        assert (verdict.e164, verdict.problem, verdict.is_valid) == (None, problem, False)
        assert (verdict.region, verdict.kind, verdict.time_zones) == (None, None, ())

    @pytest.mark.parametrize(
        ("raw", "region", "kind", "time_zones"),
        [
            (A_LONDON_PHONE, "GB", PhoneKind.FIXED_LINE, ("Europe/London",)),
            ("+919773000000", "IN", PhoneKind.MOBILE, ("Asia/Calcutta",)),
            # In North America mobiles and fixed lines share number ranges. Puerto Rico shares the prefix.
            ("+1 925 555 0101", "US", PhoneKind.FIXED_LINE_OR_MOBILE, ("America/Los_Angeles",)),
            ("+1 787 234 5678", "PR", PhoneKind.FIXED_LINE_OR_MOBILE, ("America/Puerto_Rico",)),
            # A number without a country has no known zone.
            ("+800 1234 5678", None, PhoneKind.TOLL_FREE, ()),
            ("+44 909 879 0123", "GB", PhoneKind.PREMIUM_RATE, ("Europe/London",)),
        ],
    )
    def test_reports_the_facts_about_a_valid_number(
        self, raw: str, region: str | None, kind: PhoneKind, time_zones: tuple[str, ...]
    ) -> None:
        verdict = judge(raw, None)
        assert (verdict.region, verdict.kind) == (region, kind)
        assert set(time_zones) <= set(verdict.time_zones)
        assert bool(time_zones) == bool(verdict.time_zones)

    @pytest.mark.parametrize("number_type", [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
    def test_reads_each_countrys_numbers_with_and_without_prefix(self, number_type: int) -> None:
        for country in COUNTRIES:
            example = phonenumbers.example_number_for_type(country, number_type)
            assert example is not None
            e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            national = judge(phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL), country)
            abroad = judge(phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL), None)
            assert (national.e164, national.region) == (e164, country)
            assert (abroad.e164, abroad.region) == (e164, country)
            assert [str(ZoneInfo(zone)) for zone in abroad.time_zones] == list(abroad.time_zones) != []

    def test_keeps_the_number_out_of_its_repr(self) -> None:
        assert A_BRITISH_MOBILE not in repr(judge(A_BRITISH_MOBILE, None))

    @given(
        raw=st.text(max_size=60) | st.text(alphabet="0123456789+ ()-/.,;x", max_size=60),
        region=st.sampled_from([None, "", "GB", "US", "DE", "XX"]),
    )
    def test_judges_any_text_either_valid_or_with_a_problem(self, raw: str, region: str | None) -> None:
        verdict = judge(raw, region)
        assert (verdict.e164 is None) == (verdict.problem is not None) == (verdict.kind is None)

    @given(raw=st.text(alphabet="0123456789+ ()-/.,;x", min_size=7, max_size=30))
    def test_reads_its_own_e164_as_the_same_number(self, raw: str) -> None:
        verdict = judge(raw, "GB")
        if verdict.e164 is not None:
            assert judge(verdict.e164, None).e164 == verdict.e164


@table("problem", PhoneProblem)
def test_every_problem_has_a_sentence_for_people(problem: PhoneProblem) -> None:
    assert problem.sentence.endswith(".")


@pytest.mark.parametrize(
    ("raw", "region", "zones"),
    [
        ("+7 701 123 4567", "KZ", {"Asia/Almaty", "Asia/Aqtobe", "Asia/Yekaterinburg"}),  # one clock, not Moscow's
        ("+34 612 345 678", "ES", {"Europe/Madrid", "Atlantic/Canary"}),
        # The metadata lacks some zones of mobiles.
        ("+62 812 3456 7890", "ID", {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}),
        ("+56 9 6123 4567", "CL", {"America/Santiago", "America/Punta_Arenas", "Pacific/Easter"}),
        # An area code has its own zone.
        ("+62 21 1234 5678", "ID", {"Asia/Jakarta"}),
        ("+7 495 123 4567", "RU", {"Europe/Moscow"}),
    ],
)
def test_a_verdict_has_every_possible_zone_of_the_number_in_its_region(raw: str, region: str, zones: set[str]) -> None:
    assert set(judge(raw, region).time_zones) == zones


@pytest.mark.parametrize(
    ("raw", "zone"), [("+7 912 345 67 89", "Europe/Kaliningrad"), ("+61 412 345 678", "Australia/Darwin")]
)
def test_a_mobile_of_a_wide_country_has_the_zone_that_the_metadata_lacks(raw: str, zone: str) -> None:
    assert zone in judge(raw, None).time_zones
