"""The characters of a phone text in any script, reduced to the few that the grammar knows."""

import unicodedata

#: Characters that are used between digits like a dot.
_MIDDLE_DOTS = "·∙•‧・"
_QUOTES = "'\"`´′″‘’‚“”„«»"
_IDEOGRAPHIC_COMMAS = "、，"
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_FULL_WIDTH_DISTANCE = 0xFEE0


def folded_characters(text: str) -> str:
    """The text with ASCII digits, blanks, dashes and commas, and without invisible characters.

    Superscript and circled digits do not become ASCII digits, because the ² of "1234567²" is a footnote.
    """
    if text.isascii() and text.isprintable() and not any(sign in text for sign in "'\"`\\"):
        return text
    return "".join(map(_folded, text)).replace("\r\n", "\n").replace("\r", "\n")


def _folded(character: str) -> str:
    if ord(character) in _FULL_WIDTH:
        character = chr(ord(character) - _FULL_WIDTH_DISTANCE)
    if character in "\r\n":
        return character
    if character in _QUOTES or character == "\t":
        return " "
    if character in _MIDDLE_DOTS:
        return "."
    if character in _IDEOGRAPHIC_COMMAS:
        return ","
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Cf" | "Cc" | "Cs" | "Co" | "Cn" | "Mn" | "Mc" | "Me":
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Pd":
            return "-"
        case _:
            return {"\N{MINUS SIGN}": "-", "\\": "/"}.get(character, character)


def is_number_alone(text: str, e164: str) -> bool:
    """Whether the text has the digits of this number with its country prefix, and no others.

    For a text with two numbers `judge` chooses the first one. That is right for Zoho's texts, but a person who writes a
    number here must write one.
    """
    digits = "".join(str(int(sign)) for sign in text.replace("(0)", "") if sign.isdecimal())
    return digits.removeprefix("00") == e164[1:]


def digits_of(text: str) -> str:
    """The digits of a text that `folded_characters` has returned."""
    return "".join(filter(str.isdigit, text))
