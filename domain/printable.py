"""Untrusted texts, without the characters that a terminal, a log viewer or a spreadsheet would interpret."""

import re
from typing import Final

#: Invisible characters with an effect: C0 and C1 controls (escape sequences begin with them), direction marks,
#: zero-width characters, line separators, tags, and lone surrogates, which no encoding can write.
ACTING: Final = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff"
)
_ACTING: Final = re.compile(f"[{ACTING}]")
_NAMES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str) -> str:
    r"""The text on one line, with every invisible control character as a visible escape: `\x1b`, `\u202e`, `\n`."""
    return _ACTING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    code = ord(sign)
    if sign in _NAMES:
        return _NAMES[sign]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
