"""Folding: free text reduced to what people mean by it."""

import unicodedata


def folded(text: str) -> str:
    """Letters and digits alone, in lower case and without accents: "U.S.A." and "usa" are one."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    letters = "".join(filter(str.isalnum, plain))
    return letters.removeprefix("the") if plain.strip().startswith("the ") else letters
