"""Do-not-call lists: reads the number that a person writes for a user's list."""

from domain.errors import BooksyncError
from domain.phones.characters import is_number_alone
from domain.phones.judging import judge


class UnreadableNumberError(BooksyncError):
    """The text is not one valid number with a country prefix. The message gives the reason and the next step."""


def number_in(text: str) -> str:
    """The number in E.164.

    A number without a country prefix is refused, because it is ambiguous. So is a text with another number, which would
    still be called.

    Raises:
        UnreadableNumberError: the text is not one valid number with a country prefix.
    """
    verdict = judge(text, None)
    if verdict.e164 is None:
        assert verdict.problem is not None
        raise UnreadableNumberError(f"{verdict.problem.sentence} Write it with its country prefix.")
    if not is_number_alone(text, verdict.e164):
        raise UnreadableNumberError("It is not a number alone. Write one number, with its country prefix.")
    return verdict.e164
