"""Successors: whether a text says that its later number has replaced the first: "030 1234567, now 030 7654321"."""

import re

from domain.phones.words import meaning_of, word_of, words_of

#: Fewer digits are a date, an hour or an extension.
_DIGITS_OF_A_NUMBER = 7
_DIGITS = re.compile(r"\+?\(?\d(?:[ ()./-]*\d)+")
#: The place between two numbers in a row of digits.
_BETWEEN = re.compile(r"/|(?<=\d)\s+(?=\+|00)")
_DATE_OR_HOURS = re.compile(
    r"""(?<![\d./-])
        (?: (?:19|20)\d\d(?P<a>[./-])\ ?\d{1,2}(?P=a)\ ?\d{1,2} | \d{1,2}(?P<b>[./-])\ ?\d{1,2}(?P=b)\ ?(?:\d\d){1,2}
          | \d{1,2}[.:]\d\d\s*-\s*\d{1,2}[.:]\d\d )
        (?![./-]?\d)""",
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"[,;|&/\n]")
_WORD = re.compile(r"[^\W\d_]+")

#: These words say that the number next to them is newer than the other one.
_NEWER = words_of("""
    new now currently neu neue neuer neues jetzt nun aktuell aktuelle nouveau nouvelle nouvel maintenant désormais
    nuevo nueva ahora actual novo nova agora atual nuovo nuova adesso nieuw nieuwe nowy nowe teraz obecnie
    новый новая новое теперь новий нове тепер nytt nye uusi yeni nový nyní új nou noul acum νέο νέος τώρα
    baru sekarang جديد الجديد الآن חדש החדש עכשיו नया अब
""")
_NEWER_WITHOUT_BLANKS = tuple(
    map(word_of, ("新号", "新電", "新电", "新番", "新手机", "新的", "新しい", "现在", "새번호", "ใหม่"))
)

#: These words may stand between such a word and the number. Labels of another line (fax, mobile) may not.
_NEUTRAL = words_of("""
    number no nr num nummer numero número numéro numer číslo szám номер phone tel tele telefon telephone telefono
    teléfono telefone téléphone is to the my his her their our call use ist lautet die der est le la es el è il
""")

#: After these phrases the successor follows directly.
_REPLACED = tuple(f" {' '.join(map(word_of, phrase.split()))} " for phrase in (
    "changed to", "change to", "replaced by", "replaced with", "moved to", "updated to", "switched to",
    "superseded by", "geändert auf", "geändert in", "geändert zu", "ersetzt durch", "remplacé par", "remplacée par",
    "changé en", "changé pour", "cambiado a", "cambiado por", "cambió a", "mudou para", "alterado para",
    "cambiato in", "cambiato con", "sostituito da", "sostituito con", "gewijzigd in", "vervangen door", "zmieniony na",
    "изменен на", "изменён на", "заменен на", "сменился на", "змінено на", "ändrat till", "endret til", "ændret til",
))  # fmt: skip
_REPLACED_WITHOUT_BLANKS = tuple(map(word_of, ("改为", "改為", "改成", "换成", "變更", "变更", "変更", "변경")))


def has_successor(text: str) -> bool:
    """Whether the text says that its first number was replaced by a later one, which stands right beside the words."""
    if sum(map(str.isdigit, text)) < 2 * _DIGITS_OF_A_NUMBER or len(numbers := _numbers_of(text)) < 2:
        return False
    (_, first_end), (start, end) = numbers[:2]
    before = _words(text[first_end:start])
    separated = _words(_SEPARATOR.split(text[first_end:start])[-1])
    after = _words(_SEPARATOR.split(text[end:])[0])
    if meaning_of(after) is not None:
        return False  # "… new 030 7654321 (old)"
    return _says_replaced(before) or _says_newer(separated) or (len(after) == 1 and _is_newer(after[0]))


def _numbers_of(text: str) -> list[tuple[int, int]]:
    """The places of the numbers in a text."""
    plain = _DATE_OR_HOURS.sub(lambda found: "x" * len(found.group()), text)
    places: list[tuple[int, int]] = []
    for row in _DIGITS.finditer(plain):
        ends = [between.start() for between in _BETWEEN.finditer(plain, *row.span())]
        starts = [row.start(), *ends]
        for start, end in zip(starts, [*ends, row.end()], strict=True):
            if sum(map(str.isdigit, plain[start:end])) >= _DIGITS_OF_A_NUMBER:
                places.append((start, end))
    return places


def _words(text: str) -> tuple[str, ...]:
    return tuple(word_of(word) for word in _WORD.findall(text))


def _says_newer(words: tuple[str, ...]) -> bool:
    return any(map(_is_newer, words)) and all(_is_newer(word) or word in _NEUTRAL for word in words)


def _says_replaced(words: tuple[str, ...]) -> bool:
    joined = f" {' '.join(words)} "
    for phrase in _REPLACED:
        _, found, rest = joined.partition(phrase)
        if found and _NEUTRAL.issuperset(rest.split()):
            return True
    return any(part in joined for part in _REPLACED_WITHOUT_BLANKS)


def _is_newer(word: str) -> bool:
    return word in _NEWER or any(part in word for part in _NEWER_WITHOUT_BLANKS)
