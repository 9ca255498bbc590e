"""Successors: whether a text says that its later number has replaced the first: "030 1234567, now 030 7654321"."""

import re

from domain.phones.verdicts import NotCallable
from domain.phones.words import meaning_of, word_of, words_of

#: Fewer digits are a date, an hour or an extension.
_DIGITS_OF_A_NUMBER = 7
_DIGITS = re.compile(r"\+?\(?\d(?:[ ()./-]*\d)+")
#: The places between two numbers in a row of digits. Both sides must have a number's digits without its prefix.
_BETWEEN = re.compile(r"\s*/\s*|\s+-\s+|\s*\((?=[+\d])|(?<=\d)\s+(?=\+|00(?:[ ().-]*\d){9})")
_PREFIX = re.compile(r"^[(\s]*(?:\+|00)\s?\d\d")
#: A remark in brackets right after a number, as in "030 … (office) new: 030 …".
_REMARK = re.compile(r"\s*\([^()\d]*\)")
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
    new now currently current latest updated neu neue neuer neues jetzt nun aktuell aktuelle nouveau nouvelle nouvel
    maintenant désormais nuevo nueva ahora actual novo nova agora atual nuovo nuova adesso nieuw nieuwe nowy nowe
    teraz obecnie новый новая новое теперь сейчас новий нове тепер зараз нов nytt nye nyt uusi yeni şimdi nový nové
    nyní novi új nou noul acum νέο νέος τώρα baru sekarang ใหม่ เบอร์ใหม่ جديد الجديد الآن חדש החדש עכשיו नया अब
    新 新号 新号码 新手机 新电话 新電話 新號碼 新番号 新しい番号 现在 現在 現在は 새 현재 신규
""")

#: These words may stand between such a word and the number. Labels of another line (fax, mobile) may not.
_NEUTRAL = words_of("""
    number no nr num nummer numero número numéro numer číslo szám номер phone tel tele telefon telephone telefono
    teléfono telefone téléphone telefonnummer rufnummer telefoonnummer telefonszám telefonnr контакт contact is to the
    my his her their our use ist lautet die der est le la es el è il de broj număr nomor numara τηλέφωνο телефон тел
    رقم الرقم מספר नंबर 번호
""")

#: After these phrases the successor follows directly.
_REPLACED = tuple(f" {' '.join(map(word_of, phrase.split()))} " for phrase in (
    "changed to", "change to", "replaced by", "replaced with", "moved to", "updated to", "switched to",
    "superseded by", "geändert auf", "geändert in", "geändert zu", "ersetzt durch", "remplacé par", "remplacée par",
    "changé en", "changé pour", "cambiado a", "cambiado por", "cambió a", "mudou para", "alterado para",
    "cambiato in", "cambiato con", "sostituito da", "sostituito con", "gewijzigd in", "vervangen door", "zmieniony na",
    "изменен на", "изменён на", "заменен на", "сменился на", "змінено на", "ändrat till", "endret til", "ændret til",
))  # fmt: skip
_REPLACED_IN_A_WORD = words_of("改为 改為 改成 换成 換成 换号 更换为 變更為 变更为 変更")


def has_successor(text: str) -> bool:
    """Whether words next to the second number of the text say that it has replaced the first one."""
    if sum(map(str.isdigit, text)) < 2 * _DIGITS_OF_A_NUMBER or len(numbers := _numbers_of(text)) < 2:
        return False
    (first_start, first_end), (start, end) = numbers[:2]
    if _last_digits(text[first_start:first_end]) == _last_digits(text[start:end]):
        return False
    between = _words(text[first_end:start])
    if _says_replaced(between):
        return True
    after = _words(_SEPARATOR.split(text[end:])[0])
    if meaning_of(after) in (NotCallable.OLD_NUMBER, NotCallable.WRONG_NUMBER):
        return False  # "… new 030 7654321 (old)"
    beside = _words(_SEPARATOR.split(_REMARK.sub("", text[first_end:start], count=1))[-1])
    return _says(_NEWER, beside) or (_are_neutral(between) and _says(_NEWER, after))


def _last_digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))[-_DIGITS_OF_A_NUMBER:]


def _numbers_of(text: str) -> list[tuple[int, int]]:
    """The places of the numbers in a text."""
    plain = _DATE_OR_HOURS.sub(lambda found: "x" * len(found.group()), text)
    places: list[tuple[int, int]] = []
    for row in _DIGITS.finditer(plain):
        start, end = row.span()
        for between in _BETWEEN.finditer(plain, start, end):
            if _is_number(plain[start : between.start()]) and _is_number(plain[between.end() : end]):
                places.append((start, between.start()))
                start = between.end()
        places.append((start, end))
    return [(start, end) for start, end in places if sum(map(str.isdigit, plain[start:end])) >= _DIGITS_OF_A_NUMBER]


def _is_number(text: str) -> bool:
    return sum(map(str.isdigit, _PREFIX.sub("", text, count=1))) >= _DIGITS_OF_A_NUMBER


def _words(text: str) -> tuple[str, ...]:
    return tuple(word_of(word) for word in _WORD.findall(text))


def _says(what: frozenset[str], words: tuple[str, ...]) -> bool:
    """Whether some of the words are in `what`, and the others are neutral."""
    return not what.isdisjoint(words) and (what | _NEUTRAL).issuperset(words)


def _are_neutral(words: tuple[str, ...]) -> bool:
    return _NEUTRAL.issuperset(words)


def _says_replaced(words: tuple[str, ...]) -> bool:
    joined = f" {' '.join(words)} "
    for phrase in _REPLACED:
        subject, found, rest = joined.partition(phrase)
        if found and _are_neutral((*subject.split(), *rest.split())):
            return True
    return _says(_REPLACED_IN_A_WORD, words)
