"""Promises of services/explain.py: the phone number and its clocks are explained with their reasons."""

from typing import Any

import pytest

from domain.phones import NotCallable, PhoneFallback, PhoneKind
from domain.reminders.callable_numbers import NumberFacts
from domain.reminders.permission import SkipReason
from tests.builders import A_BRITISH_MOBILE, AN_INDIAN_MOBILE, a_person
from tests.unit.workers.services.stories import a_case, a_customer_story, a_story, explained, reasons


class TestACountryThatIsNotUnderstood:
    def of_a_ruritanian(self, mobile: str) -> dict[str, Any]:
        person = a_person(mobile=mobile, is_primary=True)
        customer = a_customer_story(
            person, primary_phone=mobile, phone_problem="unknown_country", country_unknown="Ruritania"
        )
        return explained(a_story(customer=customer))

    def test_is_named_when_the_number_has_no_prefix(self) -> None:
        told = self.of_a_ruritanian("020 7031 3000")
        text = "\n".join(told["reasons"])
        assert "booksync does not recognise the customer's country." in text
        assert 'Zoho names "Ruritania" as the country of its address. Next: correct it in Zoho' in text
        assert told["phones"][0]["problem"] == "unknown_country"
        assert told["phones"][0]["is_chosen"]
        assert told["customer"]["country_unknown"] == "Ruritania"

    def test_is_not_named_when_the_number_has_a_prefix(self) -> None:
        told = self.of_a_ruritanian(A_BRITISH_MOBILE)
        assert "Ruritania" not in "\n".join(told["reasons"])
        assert told["phones"][0]["e164"] == A_BRITISH_MOBILE


class TestAnAssumedCountry:
    """The organisation's country is assumed when Zoho does not name the customer's country."""

    def of(self, *mobiles: str, **changed: Any) -> dict[str, Any]:
        persons = [a_person(str(at), mobile=mobile) for at, mobile in enumerate(mobiles)]
        return explained(a_story(customer=a_customer_story(*persons, **changed)))

    @pytest.mark.parametrize(
        ("mobile", "verdict"),
        [
            ("07912 345678", "this number is used. It can be dialled."),
            ("98765 43210", "this number is used. Its country does not use such numbers."),
        ],
    )
    def test_is_named_with_its_reason(self, mobile: str, verdict: str) -> None:
        told = self.of(mobile)
        because = "It is judged as a number of the United Kingdom, because Zoho's list omits the customer's country."
        assert f"Ada Byron's mobile {mobile}: {verdict} {because}" in told["reasons"]
        assert (
            "A run of the scheduler reads the country from Zoho while the customer has an open invoice."
            in told["reasons"]
        )
        assert told["phones"][0]["assumed_country"] == "GB"

    def test_stays_when_the_address_names_no_country(self) -> None:
        text = "\n".join(self.of("98765 43210", details_are_known=True)["reasons"])
        assert "because the customer's address in Zoho names no country." in text
        assert "Next: enter the customer's country in Zoho, or write the number with its country prefix." in text

    @pytest.mark.parametrize(
        ("mobile", "changed"),
        [
            (A_BRITISH_MOBILE, {}),  # Its prefix names the country.
            ("07912 345678", {"country_code": "GB"}),  # The address names the country.
            ("n/a", {}),  # It has no digits.
        ],
    )
    def test_is_not_named_when_it_does_not_matter(self, mobile: str, changed: dict[str, Any]) -> None:
        told = self.of(mobile, **changed)
        assert "judged as" not in "\n".join(told["reasons"])
        assert told["phones"][0]["assumed_country"] is None

    def test_is_not_named_for_a_number_that_was_not_tried(self) -> None:
        told = self.of(A_BRITISH_MOBILE, "98765 43210")
        assert "judged as" not in "\n".join(told["reasons"])
        assert told["phones"][1]["assumed_country"] == "GB"

    def test_of_a_refused_number_does_not_hide_which_one_counts(self) -> None:
        persons = (a_person("1", mobile="98765 43210"), a_person("2", mobile=A_BRITISH_MOBILE))
        told = explained(a_story(customer=a_customer_story(*persons)), PhoneFallback.VALID)
        assert [phone["is_chosen"] for phone in told["phones"]] == [False, True]


class TestANumberThatIsNotCalled:
    @pytest.mark.parametrize(
        ("number", "reason", "sentence"),
        [
            (NumberFacts(not_callable=NotCallable.FAX), SkipReason.NOT_CALLABLE, "The text calls it a fax number."),
            (
                NumberFacts(kind=PhoneKind.PREMIUM_RATE),
                SkipReason.NOT_CALLABLE,
                "It is a premium-rate number, and the policy does not call these.",
            ),
            (
                NumberFacts(names=12),
                SkipReason.NUMBER_SHARED,
                "12 customers of different names have this number.",
            ),
        ],
    )
    def test_has_its_exact_reason(self, number: NumberFacts, reason: SkipReason, sentence: str) -> None:
        told = explained(a_story(case=a_case(number=number), plan_outcome=reason, plan_at=None))
        assert told["objections"] == [{"reason": reason, "sentence": sentence}]
        assert f"Objection: {sentence}" in told["reasons"]
        assert f"No reminder is planned: {sentence}" in told["reasons"]

    def test_has_the_general_reason_when_the_facts_changed_after_the_plan(self) -> None:
        told = explained(a_story(case=a_case(), plan_outcome=SkipReason.NUMBER_SHARED, plan_at=None))
        assert told["objections"] == []
        assert f"No reminder is planned: {SkipReason.NUMBER_SHARED.sentence}" in told["reasons"]

    def test_is_named_among_the_customers_numbers(self) -> None:
        person = a_person(mobile=f"Fax {A_BRITISH_MOBILE}", is_primary=True)
        told = explained(a_story(customer=a_customer_story(person, phone_not_callable="fax")))
        (phone,) = told["phones"]
        assert (phone["problem"], phone["not_callable"]) == (None, "fax")
        assert phone["verdict"] == "It can be dialled. The text calls it a fax number."
        assert told["customer"]["phone_not_callable"] == "fax"


class TestPhones:
    PERSONS = (
        a_person("1", first_name="Ada", last_name="Byron", mobile="ask Bob", phone="07912 345678", is_primary=True),
        a_person("2", first_name="", last_name="", phone=AN_INDIAN_MOBILE),
    )

    def test_first_number_counts_and_later_ones_are_not_tried(self) -> None:
        story = a_story(customer=a_customer_story(*self.PERSONS))
        text = reasons(story)
        assert "Ada Byron's mobile ask Bob: this number is used. The text is not a phone number." in text
        assert "Ada Byron's phone 07912 345678: not tried" in text
        assert "The phone +919773000000 of a person without a name: not tried" in text

    def test_fallback_refuses_the_numbers_before_a_valid_one(self) -> None:
        told = explained(a_story(customer=a_customer_story(*self.PERSONS)), PhoneFallback.VALID)
        assert [(phone["is_tried"], phone["is_chosen"]) for phone in told["phones"]] == [
            (True, False),
            (True, True),
            (False, False),
        ]
        text = "\n".join(told["reasons"])
        assert "Ada Byron's mobile ask Bob: refused. The text is not a phone number." in text
        assert "Ada Byron's phone 07912 345678: this number is used. It can be dialled." in text

    def test_all_numbers_were_tried_when_none_is_valid(self) -> None:
        persons = (a_person("1", mobile="n/a", phone="555-0100", is_primary=True),)
        told = explained(a_story(customer=a_customer_story(*persons)), PhoneFallback.VALID)
        assert [(phone["is_tried"], phone["is_chosen"]) for phone in told["phones"]] == [(True, True), (True, False)]

    def test_each_number_has_its_verdict(self) -> None:
        mobile, phone, _ = explained(a_story(customer=a_customer_story(*self.PERSONS)))["phones"]
        assert (mobile["person"], mobile["field"], mobile["problem"]) == ("Ada Byron", "mobile", "not_a_number")
        assert (phone["e164"], phone["region"], phone["kind"]) == (A_BRITISH_MOBILE, "GB", "mobile")

    def test_customer_may_have_no_number(self) -> None:
        customer = a_customer_story(a_person(), primary_phone=None)
        assert "None of its persons has a phone number." in reasons(a_story(customer=customer))

    def test_number_may_come_only_from_the_invoices(self) -> None:
        customer = a_customer_story(a_person())
        assert f"{A_BRITISH_MOBILE} was copied from the invoices" in reasons(a_story(customer=customer))


class TestClocks:
    def test_one_time_zone_is_named(self) -> None:
        story = a_story(customer=a_customer_story(), case=a_case())
        assert "The number is in the time zone Europe/London (Wed 2026-04-01 00:30)" in reasons(story)
        assert explained(story)["clocks"] == [{"time_zone": "Europe/London", "local_time": "Wed 2026-04-01 00:30"}]

    def test_all_of_several_time_zones_are_named(self) -> None:
        zones = ("Australia/Perth", "Australia/Sydney")
        told = reasons(a_story(customer=a_customer_story(), case=a_case(time_zones=zones)))
        assert "may be in 2 time zones, and all must allow a call: Australia/Perth" in told

    def test_the_state_of_the_address_is_given_as_the_reason(self) -> None:
        customer = a_customer_story(address_state="NSW", country_code="AU")
        told = reasons(a_story(customer=customer, case=a_case(time_zones=("Australia/Sydney",))))
        assert "given the state NSW of its address" in told

    @pytest.mark.parametrize(("zones", "sentence"), [(None, "are not determined yet"), ((), "No time zone is known")])
    def test_unknown_time_zones_are_named_as_unknown(self, zones: tuple[str, ...] | None, sentence: str) -> None:
        assert sentence in reasons(a_story(customer=a_customer_story(), case=a_case(time_zones=zones)))
