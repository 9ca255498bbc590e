"""Promises of domain/countries over all countries and languages of the libraries: every name means its own country."""

from collections import defaultdict

import pycountry
import pytest
from babel.localedata import load
from hypothesis import example, given
from hypothesis import strategies as st

from domain.countries import country_code, names
from domain.countries.words import ALIASES, AMBIGUOUS, NOTHING, TERRITORIES
from domain.folding import folded

#: ISO's own names, and both codes: text → alpha-2.
ISO = {
    text: country.alpha_2
    for country in pycountry.countries
    for field in ("alpha_2", "alpha_3", "name", "official_name", "common_name")
    if (text := getattr(country, field, None)) is not None
}

#: Names in other languages without a country, because several countries share them in some language.
SHARED_NAMES = {"Kongo", "Конго", "Saint Martin", "Saint-Martin", "St. Martin"}

#: Names in other languages that are another country's ISO code: (language, name).
CODES_OF_OTHERS = {("vi", "Nga")}


def variants(text: str) -> st.SearchStrategy[str]:
    """The text with typical additions and omissions: case, blanks, full stops and hyphens, an article."""
    blank = st.sampled_from(["", " ", "  ", "\t", "\n", "\u00a0"])
    cases = st.sampled_from([text, text.upper(), text.lower(), text.swapcase()])
    marks = st.sampled_from(["", ".", "-", "'", "·"])
    return st.builds(lambda before, cased, mark, after: before + cased + mark + after, blank, cases, marks, blank)


ALL_BUT_NAMIBIAS_CODE = sorted(ISO.keys() - {"NA"})


def test_every_code_is_known() -> None:
    assert {country.alpha_2 for country in pycountry.countries} == names.CODES - {"AC", "TA", "XK"}


def test_every_code_and_name_of_iso_is_recognised_as_a_code() -> None:
    assert {text: country_code(text, "") for text in ISO} == ISO


def test_every_code_and_name_of_iso_is_recognised_as_a_name() -> None:
    assert [text for text in ALL_BUT_NAMIBIAS_CODE if country_code("", text) != ISO[text]] == []


@given(st.sampled_from(ALL_BUT_NAMIBIAS_CODE).flatmap(lambda text: st.tuples(st.just(text), variants(text))))
@example(("Türkiye", "TURKIYE"))
@example(("Côte d'Ivoire", "cote d ivoire"))
@example(("Curaçao", "Curacao"))
@example(("IND", "i.n.d."))
def test_case_blanks_and_punctuation_do_not_matter(case: tuple[str, str]) -> None:
    text, variant = case
    assert country_code("", variant) == ISO[text]


def test_an_article_before_a_name_does_not_matter() -> None:
    texts = [text for text in ALL_BUT_NAMIBIAS_CODE if len(text) > 3 and not text.startswith("the ")]
    assert [text for text in texts if country_code("", f"The {text}") != ISO[text]] == []


@given(st.text(max_size=40))
def test_any_text_means_a_known_country_or_none(text: str) -> None:
    assert country_code("", text) in names.CODES | {None}


def test_at_least_99_percent_of_the_phone_librarys_names_are_recognised_and_none_as_another_country() -> None:
    codes: dict[str, set[str]] = defaultdict(set)
    languages: dict[str, set[str]] = defaultdict(set)
    for code, by_language in names._phone_library_table().items():
        for language, name in by_language.items():
            if code in names.CODES and not name.startswith("*"):
                codes[name].add(code)
                languages[name].add(language)
    meant = {name: country_code("", name) for name, of in codes.items() if len(of) == 1}
    unknown = {name for name, code in meant.items() if code is None}
    other = {name for name, code in meant.items() if code is not None and code not in codes[name]}

    assert len(unknown) <= len(meant) / 100
    assert unknown <= SHARED_NAMES
    assert other == {name for _, name in CODES_OF_OTHERS}
    assert all(languages[name] == {language} for language, name in CODES_OF_OTHERS)


@pytest.mark.slow
def test_every_name_in_another_language_means_its_own_country() -> None:
    codes = {
        (language, name): code
        for language in names.LANGUAGES.split()
        for code, name in load(language, merge_inherited=False)["territories"].items()
        if code in names.CODES and name not in SHARED_NAMES
    }
    assert {case for case, code in codes.items() if country_code("", case[1]) != code} == CODES_OF_OTHERS


def test_no_alias_repeats_or_contradicts_an_english_name_or_a_code() -> None:
    assert not ALIASES.keys() & names.english_names().keys()
    assert not {alias.upper() for alias in ALIASES} & (names.CODES | names.alpha_3().keys())
    assert set(ALIASES.values()) <= names.CODES
    assert all(alias == folded(alias) for alias in ALIASES)


def test_no_alias_contradicts_a_name_in_another_language() -> None:
    foreign = names.foreign_names()
    assert not [alias for alias, code in ALIASES.items() if foreign.get(alias, code) != code]


def test_no_word_for_a_missing_country_is_a_country() -> None:
    known = names.english_names().keys() | names.foreign_names().keys() | ALIASES.keys() | AMBIGUOUS
    assert not NOTHING & known
    assert not {word.upper() for word in NOTHING} & (names.CODES | names.alpha_3().keys())


def test_every_territory_has_a_code_of_its_own() -> None:
    assert set(TERRITORIES.values()) <= names.CODES
    assert all(code[:2] != own for code, own in TERRITORIES.items())
