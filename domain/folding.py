"""Folding: brings free texts into one form, so that different spellings of a word compare as equal."""

import unicodedata


def folded(text: str) -> str:
    """The letters and digits of a text in lower case, without accents and a leading "the": "U.S.A." becomes "usa"."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    letters = "".join(filter(_counts, plain))
    return letters.removeprefix("the") if plain.strip().startswith("the ") else letters


def _counts(character: str) -> bool:
    """Whether `folded` keeps a character: a letter, a digit, or a combining mark that is not an accent.

    Such marks are vowel signs, for instance: without them the Hindi names of Togo and Tonga would be the same.
    """
    if character.isalnum():
        return True
    placed = unicodedata.combining(character)
    is_accent = placed >= 200 or 10 <= placed <= 36  # the second range: the points of Hebrew and Arabic
    return unicodedata.category(character).startswith("M") and not is_accent
