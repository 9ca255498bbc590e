"""Confirmations: a person's decision on a phone text, and the conditions under which booksync accepts it."""

from dataclasses import dataclass, field

from domain.errors import BooksyncError
from domain.folding import folded
from domain.phones import PhoneVerdict
from domain.phones.characters import is_number_alone
from domain.phones.judging import judge

#: The longest phone text that can be confirmed, in characters. A longer text is a note, and does not fit into an index.
LONGEST_TEXT = 500

_YES = frozenset(
    ("yes", "y", "ok", "okay", "ja", "j", "oui", "si", "sim", "tak", "true", "wahr", "vrai", "vero", "x", "1", "да")
)
_YES_SIGNS = frozenset("✓✔☑")
_NO = frozenset(("no", "n", "nein", "non", "nao", "nie", "false", "falsch", "faux", "falso", "0", "нет"))
_NO_SIGNS = frozenset("-–—✗✘☐")

_WITH_PREFIX = "Write it with its country prefix: +442070313000."


class ConfirmationError(BooksyncError):
    """The number cannot be confirmed: the message gives the reason and the next step."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's request to confirm the number in the present phone text of a customer."""

    customer_id: str  #: the customer's id in Zoho
    note: str = field(repr=False)
    #: "yes" for the number that booksync reads in the text, else the intended number.
    answer: str = field(default="yes", repr=False)
    phone_text: str | None = field(default=None, repr=False)  #: the text that the person saw; None: any text
    read_as: str | None = field(default=None, repr=False)  #: the number that the person saw for the text; "" for none
    line: int | None = None  #: the line of the request in the source file


def is_no(answer: str) -> bool:
    """Whether the person's answer declines to confirm the number; an empty answer declines too."""
    answer = answer.strip()
    return not answer or answer in _NO_SIGNS or folded(answer) in _NO


def confirmed_number(wish: Wish, phone_text: str, verdict: PhoneVerdict) -> str:
    """The number (E.164) that the wish confirms for the customer's present phone text.

    `verdict` is booksync's verdict on that text.

    Raises:
        ConfirmationError: the note is missing, the text is too long, the number that the person means is unclear, or
            the person has seen another text or another number.
    """
    if not wish.note.strip():
        raise ConfirmationError("A note is missing: write who confirmed the number.")
    if len(phone_text) > LONGEST_TEXT:
        raise ConfirmationError("Its text is too long to be confirmed. Correct it in Zoho.")
    if wish.phone_text is not None and _one_line(wish.phone_text) != _one_line(phone_text):
        raise ConfirmationError(
            f'Its text is "{phone_text}" now, and the file has "{wish.phone_text}". Look at the audit again.'
        )
    if not _is_yes(wish.answer):
        return _number_meant(wish.answer)
    if verdict.e164 is None:
        assert verdict.problem is not None
        raise ConfirmationError(
            f'booksync reads no number in "{phone_text}": {verdict.problem.sentence} '
            "Give the number that you mean (--number, or in the column confirmed), or correct the text in Zoho."
        )
    if wish.read_as is not None and wish.read_as != verdict.e164:
        raise ConfirmationError(
            f"Its number is read as {verdict.e164} now, and the file has {wish.read_as or 'none'}. "
            "Look at the audit again."
        )
    return verdict.e164


def _is_yes(answer: str) -> bool:
    answer = answer.strip()
    return answer in _YES_SIGNS or folded(answer) in _YES


def _number_meant(answer: str) -> str:
    """The number (E.164) that the person has written instead of "yes".

    A number without a country prefix is refused, because a spreadsheet may have dropped its plus or its zero.

    Raises:
        ConfirmationError: the answer is not exactly one valid number with a country prefix.
    """
    number = answer.strip()
    if not any(map(str.isdigit, number)):
        raise ConfirmationError(f'"{number}" is not valid. Write yes, no, or the number that you mean.')
    verdict = judge(number, None)
    if verdict.e164 is None:
        assert verdict.problem is not None
        raise ConfirmationError(f"{number} is not a valid number: {verdict.problem.sentence} {_WITH_PREFIX}")
    if not is_number_alone(number, verdict.e164):
        raise ConfirmationError(f"{number} is not a number alone. {_WITH_PREFIX}")
    return verdict.e164


def _one_line(phone_text: str) -> str:
    # Spreadsheets use their own line ends inside a cell, so texts are compared without them.
    return " ".join(phone_text.split())
