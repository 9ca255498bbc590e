"""The grammar of a phone text: the one number in it, and the words about that number.

Every character of the text must have a role. A text with a character of unknown role is rejected.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from domain.errors import BooksyncError
from domain.folding import folded
from domain.phones.characters import folded_characters
from domain.phones.verdicts import PhoneProblem
from domain.phones.words import DIGIT_LETTERS, LABELS, LETTER_LABELS, OTHER_NUMBERS, UNITS

#: The minimum of digits in a number. Fewer digits belong to a label ("room 12", "line 2").
_DIGITS_OF_A_NUMBER = 5

#: The maximum of digits in a label that stands before the number.
_DIGITS_OF_A_MARK = 2

#: The digits after "x", or after "#" at the end, that form an extension.
_EXTENSION = re.compile(r"[\s.:]*\d{1,7}(?!\d)")
_LAST_EXTENSION = re.compile(r"\s*\d{0,7}\s*$")


class RefusedTextError(BooksyncError):
    """The text does not contain exactly one number: `problem` gives the reason."""

    def __init__(self, problem: PhoneProblem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a phone text contains: one number, and words about it."""

    number: str = field(repr=False)  #: digits, a plus and punctuation; "" if the text has no number
    following: str = field(default="", repr=False)  #: text after a comma or a line end that may belong to the number
    words: tuple[str, ...] = ()  #: the words about the number, folded, in order
    text: str = field(default="", repr=False)  #: the whole text, its characters folded


@dataclass(slots=True)
class _Chunk:
    """Digits of a phone text with their punctuation, up to the next word or separator."""

    text: str
    links: str  #: what separates this chunk from the chunk before: "w" for a word, else the separators themselves
    start: int

    @property
    def digits(self) -> int:
        return sum(map(str.isdigit, self.text))

    @property
    def is_mark(self) -> bool:
        """Whether the chunk is part of a label, like the 12 of "Room 12". With a plus or a 0 in front it is not."""
        return self.digits <= _DIGITS_OF_A_MARK and not self.text.lstrip(" ([-./").startswith(("+", "0"))

    @property
    def may_continue(self) -> bool:
        """Whether the chunk may continue the chunk before, as in "030,1234567".

        A chunk of five digits or more that begins with a plus or a 0 does not, because it is a number by itself.
        """
        has_prefix = self.text.lstrip(" ([-./").startswith(("+", "0"))
        return self.links.strip(" ") in {",", "\n"} and not (has_prefix and self.digits >= _DIGITS_OF_A_NUMBER)


_TOKEN = re.compile(r"(?P<word>[^\W\d_]+)|(?P<run>[\d+()\[\]\x20./~-]+)|(?P<other>.)", re.DOTALL)

#: A number that a spreadsheet has converted to a decimal: "1701234567.0".
_DECIMAL = re.compile(r"^(\+?\d{4,})[.,]0+$")

#: Brackets with words in them, closed or not.
_REMARK = re.compile(r"[(\[{][^()\[\]{}]*?[^\W\d_][^()\[\]{}]*(?:[)\]}]|$)")

#: The Brazilian placeholder for the carrier's two digits: "(0xx11) 3123-4567".
_CARRIER = re.compile(r"^(\(?\s*(?:\+?55)?[\s(]*0?)[xX]{2}(?=\s*\d{2}\D)")

#: A date, with its year at the beginning or at the end.
_DATE = re.compile(
    r"""(?:19|20)\d\d(?P<a>[./-])(?:0?[1-9]|1[0-2])(?P=a)(?:0?[1-9]|[12]\d|3[01])
      | (?:0?[1-9]|[12]\d|3[01])(?P<b>[./-])(?:0?[1-9]|1[0-2])(?P=b)(?:19|20)\d\d
      | (?:0?[1-9]|1[0-2])(?P<c>[./-])(?:0?[1-9]|[12]\d|3[01])(?P=c)(?:19|20)\d\d""",
    re.VERBOSE,
)

#: Patterns that a number cannot contain: dots or an empty bracket for omitted digits, an HTML entity, a date before
#: another number, a decimal in thousands or in other text.
_NOT_OF_A_NUMBER = re.compile(
    r"""\d\s*\.{2,} | \.{2,}\d | [(\[]\s*[)\]] | &\#?\w+; | ^(?:19|20)\d\d-[01]\d-[0-3]\d\s+[+(]?\d
      | \d{4,}\s*\.0+(?!\.?\d) | ^[^.]*\d{4,}\.\d{1,2}$ | \d\s*!
      | ^\+?[1-9]\d{0,2}(?:,\d{3})+\.\d{1,2}$ | ^\+?[1-9]\d{0,2}(?:\.\d{3})+,\d{1,2}$""",
    re.VERBOSE,
)

_TIME_OF_DAY = re.compile(r"\d:\d")

_SEPARATORS = ",;:|&\n"


def phrase_of(raw: str, region: str | None) -> Phrase:
    """Return the number in a phone text with the words about it.

    `region` (ISO 3166-1 alpha-2) is the contact's country.

    Raises:
        RefusedTextError: some characters may belong to the number, or hide some of its digits.
    """
    text = _DECIMAL.sub(r"\1", folded_characters(raw).strip())
    if region == "BR" or text.startswith("+55"):
        text = _CARRIER.sub(r"\1", text)
    if not any(map(str.isdigit, text)):
        raise RefusedTextError(PhoneProblem.NOT_A_NUMBER)
    if "@" in text or _DATE.fullmatch(text):
        raise RefusedTextError(PhoneProblem.NOT_A_NUMBER)
    if _NOT_OF_A_NUMBER.search(text):
        raise RefusedTextError(PhoneProblem.NOT_ALONE)
    remarks, plain = _without_remarks(text)
    _refuse_if(_TIME_OF_DAY.search(plain))
    chunks, words = _chunks(plain)
    main, following = _main(chunks)
    _refuse_if(any(word in OTHER_NUMBERS and at < main.start for at, word in words))
    after = next((chunk for chunk in chunks if chunk.start > main.start and chunk.digits >= _DIGITS_OF_A_NUMBER), None)
    spoken = _words_about(main, after, sorted(remarks + words), plain)
    return Phrase(main.text.strip(), following, spoken, text)


def _without_remarks(text: str) -> tuple[list[tuple[int, str]], str]:
    """Each word of the remarks in brackets, as (position, folded word), and the text with blanks for the whole remarks.

    The blanks keep all positions. If no digit is outside the remarks, the brackets do not mark a remark: then only the
    bracket characters become blanks, and no words are returned.
    """
    words: list[tuple[int, str]] = []

    def blanked(match: re.Match[str]) -> str:
        remark = match.group()
        is_before_number = not any(map(str.isdigit, text[: match.start()]))
        _refuse_if(is_before_number and sum(map(str.isdigit, remark)) > _DIGITS_OF_A_MARK)
        for word in re.finditer(r"[^\W\d_]+", remark):
            name = folded(word.group())
            touches = remark[word.start() - 1].isdigit() or remark[word.end() : word.end() + 1].isdigit()
            _refuse_if(set(name) == {"x"})
            _refuse_if(touches and not DIGIT_LETTERS.isdisjoint(word.group()) and name not in LABELS)
            words.append((match.start() + word.start(), name))
        return " " * len(remark)

    if "(" not in text and "[" not in text and "{" not in text:
        return words, text
    plain = _REMARK.sub(blanked, text)
    if any(map(str.isdigit, plain)):
        return words, plain
    return [], re.sub(r"[(\[{)\]}]", " ", text)  # Brackets around the whole text do not mark a remark.


def _chunks(text: str) -> tuple[list[_Chunk], list[tuple[int, str]]]:
    chunks: list[_Chunk] = []
    words: list[tuple[int, str]] = []
    links = ""
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "run":
                if any(map(str.isdigit, token.group())):
                    chunks.append(_Chunk(token.group(), links, token.start()))
                    links = ""
            case "word":
                word = folded(token.group())
                _check_word(word, text, token, chunks)
                words.append((token.start(), word))
                links += "w"
            case _:
                links += _connection(text, token.start(), bool(chunks))
    return chunks, words


def _check_word(word: str, text: str, token: re.Match[str], chunks: list[_Chunk]) -> None:
    """Check a word of a phone text.

    Raises:
        RefusedTextError: the word may stand for digits, or is a unit, so that the digits before it are an amount.
    """
    start, end = token.span()
    before, after = text[:start], text[end:]
    if set(word) == {"x"}:
        is_extension = word == "x" and _EXTENSION.match(after)
        _refuse_if(not is_extension or not chunks)
        return
    _refuse_if(DIGIT_LETTERS.issuperset(token.group()) or any(map(str.isnumeric, token.group())))
    if len(word) == 1:
        is_outside = not any(map(str.isdigit, before)) or not any(map(str.isdigit, after))
        _refuse_if(not (word in LETTER_LABELS and is_outside) and word < _FIRST_OF_CJK)
        return
    touches = before[-1:].isdigit() or after[:1].isdigit()
    _refuse_if(touches and word not in LABELS and word < _FIRST_OF_CJK)
    _refuse_if(word in UNITS and len(chunks) == 1 and before.rstrip()[-1:].isdigit())


_FIRST_OF_CJK = "\u2e80"


def _connection(text: str, at: int, has_number: bool) -> str:
    """What a character between numbers stands for: the separator itself, "w" for a word, a blank for nothing.

    Raises:
        RefusedTextError: the role of the character is unknown.
    """
    character = text[at]
    if character in _SEPARATORS:
        return character
    before, after = text[:at], text[at + 1 :]
    if character == "#":
        # "#12" is an extension, and a single "#" at the end an empty one.
        is_extension = has_number and _LAST_EXTENSION.match(after)
        _refuse_if(not is_extension or before.endswith("#"))
        return "w"
    if character == "=":
        _refuse_if(bool(before.strip()) and not before.endswith("ext"))
        return "w"
    is_picture = unicodedata.category(character) in {"So", "Sk"}
    is_outside = not has_number or not any(map(str.isdigit, after))
    _refuse_if(not (character == "!" or (is_picture and is_outside)))
    return " "


def _main(chunks: list[_Chunk]) -> tuple[_Chunk, str]:
    """The chunk with the phone number, and the digits after a comma or a line end that may belong to the number."""
    at = 0
    while at + 1 < len(chunks) and chunks[at].is_mark and not chunks[at + 1].may_continue:
        at += 1  # "Room 12: 030 …"
    main = chunks[at]
    following = ""
    for chunk in chunks[at + 1 :]:
        if not chunk.may_continue:
            break
        following += chunk.text
    return main, following


def _words_about(main: _Chunk, after: _Chunk | None, words: list[tuple[int, str]], text: str) -> tuple[str, ...]:
    """The words about the first number of a text, without the words about a second number.

    If a word stands before the first number ("Tel 030 … Fax 030 …"), the words after that number belong to the second.
    Otherwise they belong to the first number, up to a separator.
    """
    if after is None:
        return tuple(word for _, word in words)
    end_of_main = main.start + len(main.text.rstrip(" /-.(["))
    separator = re.search(r"[,;|&\n/]", text[end_of_main : after.start])
    has_label_in_front = any(position < main.start for position, _ in words)
    end = end_of_main if has_label_in_front else after.start
    if separator is not None:
        end = end_of_main + separator.start()
    return tuple(word for position, word in words if position < end)


def _refuse_if(is_unclear: object) -> None:
    if is_unclear:
        raise RefusedTextError(PhoneProblem.NOT_ALONE)
