"""The second verdict: whether a valid number is to be called, as far as its digits say."""

import phonenumbers
from phonenumbers import PhoneNumber

from domain.phones.verdicts import Doubt, NotCallable

#: A run of so many digits up or down is nobody's number; a shorter one is doubtful.
_LONGEST_RUN = 9
_DOUBTFUL_RUN = 6

#: One digit repeated as often as this is a filler; there are real numbers such as 4444.
_REPETITIONS = 6

_UP, _DOWN = "01234567890", "09876543210"

_NORTH_AMERICA = 1
_DIRECTORY_SERVICE = "5551212"


def digits_against(number: PhoneNumber) -> NotCallable | None:
    """What the digits of a valid number say against calling it; None where they say nothing."""
    national = phonenumbers.national_significant_number(number)
    if number.country_code == _NORTH_AMERICA and national.endswith(_DIRECTORY_SERVICE):
        return NotCallable.DIRECTORY
    for part in {national, _subscriber_part(number, national)}:
        if len(part) >= _REPETITIONS and len(set(part)) == 1:
            return NotCallable.FILLER
        if len(part) >= _LONGEST_RUN and _is_run(part):
            return NotCallable.FILLER
    return None


def doubts_about(number: PhoneNumber) -> tuple[Doubt, ...]:
    """Why a person should look at a valid number, as its digits say."""
    national = phonenumbers.national_significant_number(number)
    subscriber = _subscriber_part(number, national)
    doubts = []
    if len(subscriber) >= _DOUBTFUL_RUN and _is_run(subscriber):
        doubts.append(Doubt.RUN)
    if _is_example(number):
        doubts.append(Doubt.EXAMPLE)
    return tuple(doubts)


def _subscriber_part(number: PhoneNumber, national: str) -> str:
    return national[phonenumbers.length_of_national_destination_code(number) :]


def _is_run(digits: str) -> bool:
    """Whether the digits count up or down; both may end, or begin, with a 0."""
    return digits in _UP or digits in _DOWN


def _is_example(number: PhoneNumber) -> bool:
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        return False
    example = phonenumbers.example_number_for_type(region, phonenumbers.number_type(number))
    return example is not None and example.national_number == number.national_number
