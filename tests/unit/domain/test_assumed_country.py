"""Promises of `JudgedPhone.assumed_country`: it is set where the customer's own country could change the number."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from domain.phones import CountrySource, NumberCountry, PhoneFallback, candidates
from domain.phones.choosing import JudgedPhone, choose, judge_all, verdict_as_json
from domain.phones.judging import judge
from tests.builders import A_LONDON_PHONE, a_person
from tests.tables import table

IN_BRITAIN = NumberCountry("GB", CountrySource.ASSUMED)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

#: Valid in India, not in Britain.
AN_INDIAN_TEXT = "98765 43210"


def judged(text: str, country: NumberCountry = IN_BRITAIN) -> JudgedPhone:
    (phone,) = judge_all(candidates([a_person(mobile=text)]), country)
    return phone


@pytest.mark.parametrize(
    "text",
    [
        # Valid, but of an assumed country.
        "07912 345678",
        # Rejected; India, Germany, Brazil and the United States have such numbers.
        AN_INDIAN_TEXT,
        "030 23125 123",
        "(0xx11) 3123-4567",
        "1-800-FLOWERS",
        # Rejected as too short, although it can be dialled locally, and some small country has such numbers.
        "555-0100",
    ],
)
def test_a_text_that_depends_on_the_country_has_an_assumed_country(text: str) -> None:
    assert judged(text).assumed_country == "GB"


@table(
    "text",
    [
        # Its prefix determines the country, with a plus or as dialled.
        "+44 7912 345678",
        "0049 171 1234567",
        # Rejected for its own prefix.
        "+999 123 456 789",
        "+1 555",
        # Not a number in any country.
        "n/a",
        "ext. 204",
        "0000000000",
        "12345678901234567890",
        "4.91512E+12",
        # Valid, but not called in any country.
        "Fax 020 7031 3000",
        "DO NOT CALL 020 7031 3000",
        "07777 777777",
    ],
)
def test_a_text_that_no_country_changes_has_no_assumed_country(text: str) -> None:
    assert judged(text).assumed_country is None


@pytest.mark.parametrize(
    "country",
    [
        NumberCountry("GB"),
        NumberCountry(None, CountrySource.NOT_UNDERSTOOD),
        NumberCountry(None, CountrySource.ASSUMED),
    ],
)
def test_only_the_organisations_country_is_assumed(country: NumberCountry) -> None:
    assert judged(AN_INDIAN_TEXT, country).assumed_country is None


def test_a_number_that_a_person_has_confirmed_needs_no_country() -> None:
    numbers = candidates([a_person(mobile="07912 345678")])
    (phone,) = judge_all(numbers, IN_BRITAIN, {"07912 345678": "+447912345678"})
    assert phone.assumed_country is None


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Digits and signs, or a country's example number with other last digits."""
    if draw(st.booleans()):
        return draw(st.text("0123456789 +()-/.xX", min_size=1, max_size=16).filter(str.strip))
    kind = draw(st.sampled_from([PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE]))
    number = phonenumbers.example_number_for_type(draw(st.sampled_from(REGIONS)), kind)
    if number is None:
        return "n/a"
    formats = (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL)
    written = phonenumbers.format_number(number, draw(st.sampled_from(formats)))
    return written[:-2] + draw(st.text("0123456789", min_size=2, max_size=2))


@given(texts(), st.sampled_from(REGIONS))
def test_a_text_without_an_assumed_country_is_the_same_number_in_every_country(text: str, region: str) -> None:
    phone = judged(text)
    if phone.assumed_country is None and phone.verdict.not_callable is None:
        assert judge(phone.candidate.raw, region).e164 in {None, phone.verdict.e164}


class TestSeveralNumbers:
    """If the first valid number counts, another country may make an earlier number valid."""

    def chosen(self, mobile: str, phone: str, fallback: PhoneFallback) -> JudgedPhone:
        phone_chosen = choose(candidates([a_person(mobile=mobile, phone=phone)]), IN_BRITAIN, fallback)
        assert phone_chosen is not None
        return phone_chosen

    @pytest.mark.parametrize(
        ("mobile", "phone", "counts"),
        [
            # No number is valid, and the country could make the second one valid.
            ("n/a", AN_INDIAN_TEXT, "n/a"),
            # The country could make the first number valid, which would then count.
            (AN_INDIAN_TEXT, A_LONDON_PHONE, A_LONDON_PHONE),
        ],
    )
    def test_the_country_of_a_rejected_number_matters_too(self, mobile: str, phone: str, counts: str) -> None:
        chosen = self.chosen(mobile, phone, PhoneFallback.VALID)
        assert (chosen.candidate.raw, verdict_as_json(chosen)["assumed_country"]) == (counts, "GB")

    def test_numbers_after_the_valid_one_do_not_matter(self) -> None:
        assert self.chosen(A_LONDON_PHONE, AN_INDIAN_TEXT, PhoneFallback.VALID).assumed_country is None

    def test_without_the_fallback_only_the_first_number_matters(self) -> None:
        assert self.chosen("n/a", AN_INDIAN_TEXT, PhoneFallback.NONE).assumed_country is None
