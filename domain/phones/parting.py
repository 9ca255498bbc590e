"""Parting: the parts of a phone text that may be the number, without list marks ("1)"), endings and second numbers."""

import re
from collections.abc import Callable, Iterator

from domain.phones.characters import digits_of
from domain.phones.number import possible_number

#: Whether a text is a valid number by itself.
IsNumber = Callable[[str], bool]

#: From this many digits on, a text may be two numbers separated only by a blank.
_DIGITS_OF_TWO_NUMBERS = 14

#: An ending after a slash: "-78/79". A longer ending may be a part of the number.
_DIGITS_OF_AN_ENDING = 2

_ENDING = re.compile(r"-\d{1,2}\s*$")
#: "030 4567890 9-17": hours at the end, or digits of the number.
_HOURS = re.compile(r"(?<=\d)\s+(\d{1,2})\s*-\s*(\d{1,2})\s*$")
_HOURS_OF_A_DAY = 24

_LAST_GROUP = re.compile(r"(?<=\d)\s+\d{1,2}\s*$")

_DIGITS_OF_A_SECOND_NUMBER = 7

#: The maximum of digits in a country code.
_DIGITS_OF_A_CODE = 3

#: "2. 0171 …", "1) 030 …", "1 - 030 …": the mark of a list, or the beginning of the number. "02)2849-3657" begins with
#: an area code.
_MARK = re.compile(
    r"""^(?: \d{1,2}[.)]\s+ | [1-9]\d?\)\s* | 0\d?\)\s*(?=\(?[0+]) | \d\s+-\s+ | \d\s+(?=\(?[0+])
      | \d{1,2}(?:/\d{1,2}|\s*/)\s+(?=\(?[0+]) | \([1-9]\)\s* | \(\d{1,2}\)\s*(?=\(?[0+])
    )(?=[\d(+])""",
    re.VERBOSE,
)

#: A closing bracket without an opening one, before a number with a prefix, does not belong to an area code.
_LIST_MARK = re.compile(r"^\d{1,2}\)\s*(?=\(?[0+])")

#: Digits in brackets after the number: they are a note, or the number's end.
_BRACKET = re.compile(r"(?<=\d)\s*[(\[][\d\s.,/-]*\d[\d\s.,/-]*[)\]]?\s*$")


def texts_of(number: str, following: str, is_number: IsNumber) -> tuple[str, ...]:
    """All texts that may be the number, each once. Parts that certainly do not belong to the number are removed."""
    texts: list[str] = []
    for joined in _with_following(number, following, is_number):
        for marked in _without_mark(joined, is_number):
            for bracketed in _without_bracket(marked):
                for single in _without_repeated_prefix(bracketed):
                    texts += _first_of_several(single, is_number)
    return tuple(dict.fromkeys(texts))


def _with_following(number: str, following: str, is_number: IsNumber) -> Iterator[str]:
    if not following:
        yield number
        return
    yield f"{number} {following}"
    if is_number(number):
        yield number


def _without_mark(text: str, is_number: IsNumber) -> Iterator[str]:
    plain = _MARK.sub("", text, count=1)
    if not (_LIST_MARK.match(text) and is_number(plain)):
        yield text
    if plain != text:
        yield plain


def _without_bracket(text: str) -> Iterator[str]:
    yield text
    plain = _BRACKET.sub("", text)
    if plain != text:
        yield plain


def _without_repeated_prefix(text: str) -> Iterator[str]:
    """The possible numbers in a text that has digits before a plus.

    If the prefix is repeated ("+49 +49 171 …"), only the part from the second prefix on is returned. Otherwise the plus
    begins a second number, and the part before the plus is returned. If the part before the plus has no prefix, it may
    be a date, so the part from the plus on is returned too.
    """
    first, plus, rest = text.partition("+") if not text.lstrip(" ([").startswith("+") else _partition_second_plus(text)
    if not plus or not digits_of(first):
        yield text
        return
    prefix = digits_of(first).removeprefix("00")
    repeats_prefix = digits_of(rest).startswith(prefix) and len(prefix) <= _DIGITS_OF_A_CODE
    if not repeats_prefix:
        yield first
    if repeats_prefix or (len(prefix) > _DIGITS_OF_A_CODE and not first.lstrip(" ([").startswith(("+", "0"))):
        yield f"+{rest}"


def _partition_second_plus(text: str) -> tuple[str, str, str]:
    at = text.index("+")
    while text[at + 1 : at + 2] == "+":
        at += 1
    first, plus, rest = text[at + 1 :].partition("+")
    return f"+{first}", plus, rest


def _first_of_several(text: str, is_number: IsNumber) -> Iterator[str]:
    """The texts that may be the number: the whole text, and the text without a second number or an ending."""
    if "/" in text:
        yield from _before_slash(text, is_number)
        return
    may_be_whole = " " not in text or is_number(text)
    yield text
    hours = _HOURS.search(text)
    if hours and int(hours[1]) < int(hours[2]) <= _HOURS_OF_A_DAY and is_number(text[: hours.start()]):
        yield text[: hours.start()]
    if (first := _first_of_two(text, is_number, may_be_whole=may_be_whole)) is not None:
        yield first


def _before_slash(text: str, is_number: IsNumber) -> Iterator[str]:
    """The part before a slash if it is a number, and the whole text unless the slash certainly ends the number."""
    for at, sign in enumerate(text):
        # "1234567-78/79" has two endings, or it means a range. In "1234567 12/05" the slash may belong to a date.
        shorter = (pattern.sub("", text[:at]) for pattern in (_ENDING, _LAST_GROUP))
        firsts = [first for first in (text[:at], *shorter) if sign == "/" and is_number(first)]
        if firsts:
            if not _is_certain_end(firsts[0], text[at:], is_number):
                yield text
            yield from firsts
            return
    yield text


def _is_certain_end(first: str, rest: str, is_number: IsNumber) -> bool:
    digits, second = digits_of(rest), rest.lstrip("/ ")
    if rest.startswith("//") or not digits:
        return True
    if len(digits) >= _DIGITS_OF_A_SECOND_NUMBER:
        return second.startswith(("0", "+", "(0")) and is_number(second)
    is_after_area_code = len(digits_of(first.rpartition("/")[2])) < _DIGITS_OF_A_SECOND_NUMBER - 3
    return not is_after_area_code and len(digits) <= _DIGITS_OF_AN_ENDING


def _first_of_two(text: str, is_number: IsNumber, *, may_be_whole: bool) -> str | None:
    """The first of two numbers that only a blank separates; None if the text has only one number.

    The second number has the usual beginning of a number, or is as long as the first: "513140867 513140868". Halves of
    equal length are not two numbers if the whole text may be one from abroad that lost its plus: "44 7911 284936".
    """
    if may_be_whole and len(digits_of(text)) < _DIGITS_OF_TWO_NUMBERS:
        return None
    for first, second in _halves(text):
        begins_again = second.startswith(("0", "+", "(0")) and len(digits_of(second)) >= _DIGITS_OF_A_SECOND_NUMBER
        is_as_long = not may_be_whole and len(digits_of(first)) == len(digits_of(second))
        if (begins_again or is_as_long) and is_number(first) and is_number(second):
            return first if begins_again or possible_number(digits_of(text)) is None else None
    return None


def may_be_two_numbers(text: str, is_number: IsNumber) -> bool:
    """Whether the text has a blank with a complete number on both sides."""
    return any(is_number(first) and is_number(second) for first, second in _halves(text))


def _halves(text: str) -> Iterator[tuple[str, str]]:
    for blank in re.finditer(r"(?<=\d)[ -]* ", text):
        yield text[: blank.start()], text[blank.end() :]
