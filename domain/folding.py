"""Folding: brings free texts into one form, so that different spellings of a word compare as equal."""

import unicodedata


def folded(text: str) -> str:
    """The letters and digits of a text in lower case, without accents and a leading "the": "U.S.A." becomes "usa"."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    letters = plain if plain.isalnum() else "".join(each for each in plain if each.isalnum() or _is_vowel_sign(each))
    return letters.removeprefix("the") if plain.strip().startswith("the ") else letters


def _is_vowel_sign(character: str) -> bool:
    """Whether a character is a combining mark that is not an accent, for instance a vowel sign.

    Without such marks the Hindi names of Togo and Tonga would be the same.
    """
    placed = unicodedata.combining(character)
    is_accent = placed >= 200 or 10 <= placed <= 36  # the second range: the points of Hebrew and Arabic
    return unicodedata.category(character).startswith("M") and not is_accent
