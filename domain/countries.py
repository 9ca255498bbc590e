"""Countries: what Zoho's free text means as an ISO 3166-1 alpha-2 code."""

import importlib.util
from functools import cache
from pathlib import Path

import phonenumbers

from domain.folding import folded

#: Every country with phone numbers, and those few territories without.
_CODES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}

#: How people write countries, beyond the names themselves; the keys are as `folded` leaves them.
_ALIASES = {
    "america": "US",
    "bharat": "IN",
    "britain": "GB",
    "burma": "MM",
    "caboverde": "CV",
    "czechia": "CZ",
    "deu": "DE",
    "drc": "CD",
    "eire": "IE",
    "el": "GR",  # the European Union's own code
    "england": "GB",
    "eswatini": "SZ",
    "federalrepublicofgermany": "DE",
    "gbr": "GB",
    "greatbritain": "GB",
    "holland": "NL",
    "hongkongsar": "HK",
    "ind": "IN",
    "ivorycoast": "CI",
    "korea": "KR",
    "kosovo": "XK",
    "ksa": "SA",
    "macau": "MO",
    "northernireland": "GB",
    "northmacedonia": "MK",
    "peoplesrepublicofchina": "CN",
    "prc": "CN",
    "republicofireland": "IE",
    "republicofkorea": "KR",
    "rsa": "ZA",
    "russianfederation": "RU",
    "scotland": "GB",
    "timorleste": "TL",
    "uae": "AE",
    "uk": "GB",
    "unitedstatesofamerica": "US",
    "usa": "US",
    "wales": "GB",
}


def country_code(code: str, name: str) -> str | None:
    """The country that Zoho's `country_code` names, else its free text `country`; None where neither is known.

    Upper and lower case, accents, blanks and punctuation do not matter; a name may be in any language that the phone
    library knows.
    """
    return _meant_by(code) or _meant_by(name)


def _meant_by(text: str) -> str | None:
    name = folded(text)
    if not name:
        return None
    # An alias goes first: "UK" is a reserved code of its own, and "EL" none at all.
    if name in _ALIASES:
        return _ALIASES[name]
    if name.upper() in _CODES:
        return name.upper()
    return _codes_by_name().get(name)


@cache
def _codes_by_name() -> dict[str, str]:
    """Folded names in all languages → code. A name that means different countries in different languages is left out,
    unless it is the English name of one."""
    english: dict[str, str] = {}
    foreign: dict[str, set[str]] = {}
    for code, names in _names_by_code().items():
        if code not in _CODES:
            continue
        for language, name in names.items():
            if language == "aa":  # the root of the library's table, in English
                english[folded(name)] = code
            elif not name.startswith("*"):  # "*de": the same as in German
                foreign.setdefault(folded(name), set()).add(code)
    clear = {name: codes.pop() for name, codes in foreign.items() if len(codes) == 1}
    return clear | english


def _names_by_code() -> dict[str, dict[str, str]]:
    # Imported by its path: the package around it loads all the world's area codes, seconds and hundreds of megabytes.
    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = importlib.util.spec_from_file_location("phonenumbers.geodata.locale", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names: dict[str, dict[str, str]] = module.LOCALE_DATA
    return names
