"""Folding: free text reduced to what people mean by it."""

import unicodedata


def folded(text: str) -> str:
    """Letters and digits alone, in lower case and without accents: "U.S.A." and "usa" are one."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    letters = "".join(filter(_counts, plain))
    return letters.removeprefix("the") if plain.strip().startswith("the ") else letters


def _counts(character: str) -> bool:
    """Letters and digits, and the vowel signs of Indian and other scripts: without them Togo and Tonga are one."""
    if character.isalnum():
        return True
    placed = unicodedata.combining(character)
    is_accent = placed >= 200 or 10 <= placed <= 36  # the second range: Hebrew and Arabic points
    return unicodedata.category(character).startswith("M") and not is_accent
