"""The second verdict on a phone text: whether a valid number may be called, as far as its digits show."""

from collections.abc import Iterator
from functools import cache

import phonenumbers

from domain.phones.number import ValidNumber
from domain.phones.verdicts import Doubt, NotCallable

#: Digits that count up or down for this length are never a real number.
_LONGEST_RUN = 9

#: A shorter series of digits that count up or down is doubtful. One digit repeated this often only fills a mandatory
#: field of a form; 4444 may be real.
_DOUBTFUL_RUN = 6

_UP, _DOWN = "01234567890", "09876543210"

_NORTH_AMERICA = 1
_DIRECTORY_SERVICE = "5551212"


def digits_against(number: ValidNumber) -> NotCallable | None:
    """Why the digits of a valid number show that it must not be called; None if they do not."""
    national = number.national
    if number.country_code == _NORTH_AMERICA and national.endswith(_DIRECTORY_SERVICE):
        return NotCallable.DIRECTORY
    if any(_is_filler(part) for part in _parts_of_one_pattern(number)):
        return NotCallable.FILLER
    return None


def doubts_about(number: ValidNumber, region: str | None) -> tuple[Doubt, ...]:
    """Why a person should check a valid number of the country `region`, as far as its digits show."""
    doubts = []
    if any(_is_run(part) for part in _parts_of_one_pattern(number)):
        doubts.append(Doubt.RUN)
    if region is not None and number.parsed.national_number == _example(region, number.type):
        doubts.append(Doubt.EXAMPLE)
    return tuple(doubts)


def _parts_of_one_pattern(number: ValidNumber) -> Iterator[str]:
    """The national number and its subscriber part, each only if it repeats one digit or counts up or down."""
    national = number.national
    end = national[-_DOUBTFUL_RUN:]
    if len(end) < _DOUBTFUL_RUN or not (len(set(end)) == 1 or _is_run(end)):
        return  # Both parts have the same ending, and determining the length of an area code is slow.
    for part in (national, national[phonenumbers.length_of_national_destination_code(number.parsed) :]):
        if len(part) >= _DOUBTFUL_RUN and (len(set(part)) == 1 or _is_run(part)):
            yield part


def _is_filler(part: str) -> bool:
    return len(set(part)) == 1 or len(part) >= _LONGEST_RUN


def _is_run(digits: str) -> bool:
    """Whether the digits count up or down by one. A 0 may come first or last in both directions: 0123, 7890."""
    return digits in _UP or digits in _DOWN


@cache
def _example(region: str, kind: int) -> int | None:
    example = phonenumbers.example_number_for_type(region, kind)
    return example.national_number if example else None
