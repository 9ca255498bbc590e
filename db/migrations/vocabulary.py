"""The values that a customer's id, country and time zone can have, for rules that are written in SQL."""

from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Final
from zoneinfo import available_timezones

from domain.countries import country_code

#: Zoho's ids have some twenty digits. A longer text is none, and beyond 2,700 bytes no index takes it.
LONGEST_ID: Final = 200

#: Reserved, but what people in the United Kingdom and Greece (so the European Union) write.
_ALIASES = {"UK", "EL"}

#: Names in the zone files that stand for no place.
_NO_ZONES = {"Factory", "localtime"}


@cache
def countries() -> dict[str, str]:
    """Two letters → ISO 3166-1 alpha-2: "UK" → "GB", "GB" → "GB"."""
    pairs = ("".join(letters) for letters in product(ascii_uppercase, repeat=2))
    return {pair: code for pair in pairs if (code := country_code(pair, "")) and (code == pair or pair in _ALIASES)}


@cache
def zones() -> dict[str, str]:
    """Lower-case name → IANA name."""
    return {name.lower(): name for name in available_timezones() - _NO_ZONES}
