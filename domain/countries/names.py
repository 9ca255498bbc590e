"""The names and codes of countries, from three libraries.

pycountry has ISO 3166: codes, names and official names in English, and subdivisions. The translations of pycountry are
not used, because some of them name the wrong country. Babel (Unicode's CLDR) has current names in other languages, the
phone library has older ones. Each library is loaded only when a text needs it, so that commands and workers start fast.
"""

import importlib.util
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import phonenumbers

from domain.folding import folded

#: Every country with phone numbers, and the few territories without.
CODES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}

#: The languages of Zoho Books' editions and of their neighbours, with Babel's names. Loading all languages of CLDR
#: would take half a second, and small languages have names that resemble other countries': Chile is "Xiri" in
#: Nheengatu, and Syria was "Xi-ri" in Vietnamese.
LANGUAGES = """
    af am ar as az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr ga gl gu ha he hi hr hu hy id ig is it ja ka
    kk km kn ko kok ky lb lo lt lv mai mk ml mn mr ms mt my ne nl no or pa pl ps pt pt_PT rm ro ru sd si sk sl so sq sr
    sr_Latn sv sw ta te tg th tk tr uk ur uz vi xh yo zh zh_Hant zu
"""


#: An English name with one of these words takes an article: "the United States", "the Cayman Islands".
_WORDS_WITH_ARTICLE = frozenset({"Islands", "Isle", "Lands", "Republic", "Territories", "Territory", "United"})

#: Other countries whose English name takes an article.
_WITH_ARTICLE = frozenset({"BQ", "BS", "GM", "KM", "MV", "NL", "PH"})


def country_name(code: str) -> str:
    """The English name of a country (ISO 3166-1 alpha-2) for use in a sentence; the code if the name is unknown."""
    name = _current_english_names().get(code)
    if name is None:
        return code
    takes_article = code in _WITH_ARTICLE or not _WORDS_WITH_ARTICLE.isdisjoint(name.split())
    return f"the {name}" if takes_article else name


@cache
def _current_english_names() -> Mapping[str, str]:
    return dict(_names_of_cldr("en"))


@cache
def alpha_3() -> Mapping[str, str]:
    """ISO 3166-1 alpha-3 → alpha-2: "NGA" → "NG"."""
    import pycountry

    return {country.alpha_3: country.alpha_2 for country in pycountry.countries}


@cache
def english_names() -> Mapping[str, str]:
    """English name in the form that `folded` returns → code.

    "Iran, Islamic Republic of" has a second entry as "Islamic Republic of Iran".
    """
    names: dict[str, str] = {}
    for code, name in (*_names_of_phone_library("aa"), *_names_of_cldr("en"), *_names_of_iso()):
        for spelling in _spellings(name):
            names[folded(spelling)] = code
    return names


@cache
def foreign_names() -> Mapping[str, str]:
    """Name in the form that `folded` returns → code, in all languages. A name of several countries is left out."""
    found = set(_names_of_phone_library())
    for language in LANGUAGES.split():
        found.update(_names_of_cldr(language))
    codes: dict[str, set[str]] = defaultdict(set)
    for code, name in found:
        codes[folded(name)].add(code)
    return {name: min(meant) for name, meant in codes.items() if name and len(meant) == 1}


@cache
def subdivisions() -> frozenset[str]:
    """ISO 3166-2 codes: the country's alpha-2 code, a hyphen, and up to three letters or digits."""
    import pycountry

    return frozenset(subdivision.code for subdivision in pycountry.subdivisions)


def _spellings(name: str) -> Iterator[str]:
    yield name
    head, comma, tail = name.partition(", ")
    if comma:
        yield f"{tail} {head}"  # "Iran, Islamic Republic of"
    for full, short in (("Saint ", "St "), ("St. ", "Saint ")):
        if name.startswith(full):
            yield short + name.removeprefix(full)


def _names_of_iso() -> Iterator[tuple[str, str]]:
    import pycountry

    for country in pycountry.countries:
        for field in ("name", "official_name", "common_name"):
            if (name := getattr(country, field, None)) is not None:
                yield country.alpha_2, name


def _names_of_cldr(language: str) -> Iterator[tuple[str, str]]:
    from babel import localedata

    territories = localedata.load(language, merge_inherited=False)["territories"]
    localedata.clear_caches()  # Babel would keep a megabyte of each language.
    for code, name in territories.items():
        if code in CODES:
            yield code, name


def _names_of_phone_library(language: str | None = None) -> Iterator[tuple[str, str]]:
    """The (code, name) pairs of one language, or of all languages. "aa" stands for the library's English names."""
    for code, names in _phone_library_table().items():
        for of_language, name in names.items():
            if code in CODES and language in (None, of_language) and not name.startswith("*"):  # "*de": as in German
                yield code, name


@cache
def _phone_library_table() -> dict[str, dict[str, str]]:
    # Loaded by its path: the package around it loads all area codes of the world, in seconds and hundreds of megabytes.
    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = importlib.util.spec_from_file_location("phonenumbers.geodata.locale", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table: dict[str, dict[str, str]] = module.LOCALE_DATA
    return table
