"""The possible time zones of an address, from its country, state and postcode."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from domain.folding import folded
from domain.places.asia import ASIA
from domain.places.country import Country, State, Zones
from domain.places.europe_and_africa import EUROPE_AND_AFRICA
from domain.places.latin_america import LATIN_AMERICA
from domain.places.north_america import NORTH_AMERICA
from domain.places.oceania import OCEANIA
from domain.places.russia import RUSSIA

#: By ISO 3166-1 alpha-2 code: the countries whose states have different clocks.
COUNTRIES: Mapping[str, Country] = NORTH_AMERICA | LATIN_AMERICA | EUROPE_AND_AFRICA | RUSSIA | ASIA | OCEANIA

#: Words around a state's name that are ignored. "city" and "county" are not: Kansas City does not lie in Kansas.
_GENERIC = """
    the of and state province prov region autonomous republic special island islands
    de do da del dos la el y estado edo provincia região región autónoma comunidad
    du des et région île îles
    provinsi propinsi prop daerah di
    oblast obl krai kray respublika resp okrug avtonomny avtonomnaya ao g gorod
    область обл край республика респ округ автономный автономная ао г город
    aimag sheng
"""
_GENERIC_WORDS = frozenset(map(folded, _GENERIC.split()))

#: The separators in "New York, NY", "São Paulo/SP" and "Rio de Janeiro - RJ".
_SEPARATORS = re.compile(r"[,;/|()\r\n–—]|\s-\s")


def zones_of_place(country_code: str | None, state: str, postcode: str) -> Zones:
    """The possible IANA zones of an address, in the order of the tables.

    `country_code` is ISO 3166-1 alpha-2 in upper case, `state` and `postcode` are free texts. A text that is not
    recognised does not narrow the zones of the other text. A text with several states means any of these. The result is
    () if neither text is recognised, if the two contradict each other, and for countries with one clock.

    A returned zone may represent other zones with an equal clock. Compare the result with other zones by their clocks,
    not by their names.
    """
    if country_code is None or country_code not in COUNTRIES:
        return ()
    named = _states_named(country_code, state)
    posted = _zones_by_postcode(country_code, postcode)
    if not posted:
        return _joined(zones for each in named for zones in each.zones.values())
    return _joined(zones for each, zones in posted if not named or each in named)


def _joined(zones: Iterable[Zones]) -> Zones:
    return tuple(dict.fromkeys(zone for group in zones for zone in group))


def _states_named(country_code: str, text: str) -> Sequence[State]:
    """The states with exactly this name, else those named by parts of the text ("New York, NY")."""
    code = text.strip().upper().removeprefix(f"{country_code}-")  # ISO 3166-2: "US-NY"
    if whole := _states_of_name(country_code, text) or _states_of_name(country_code, code):
        return whole
    return [state for part in _SEPARATORS.split(text) for state in _states_of_name(country_code, part)]


def _states_of_name(country_code: str, name: str) -> Sequence[State]:
    by_name = _states_by_name(country_code)
    # First with all letters: "y" is a generic word in Spanish, but not in "N. Y.".
    return by_name.get(folded(name)) or by_name.get(_without_generic_words(name)) or ()


@cache
def _states_by_name(country_code: str) -> Mapping[str, Sequence[State]]:
    """The states by their names without generic words. Some share a name: the city of Moscow and its oblast."""
    by_name: dict[str, list[State]] = {}
    for state in COUNTRIES[country_code].states:
        names = (state.code, *state.names.split(","))
        for name in sorted({_without_generic_words(name) for name in names}):
            by_name.setdefault(name, []).append(state)
    return by_name


def _without_generic_words(name: str) -> str:
    """The folded name without generic words. A name of only generic words keeps them: "DE" is Delaware."""
    words = [folded(word) for word in name.split()]
    return "".join(word for word in words if word not in _GENERIC_WORDS) or "".join(words)


def _zones_by_postcode(country_code: str, text: str) -> Sequence[tuple[State, Zones]]:
    """The states of the postcode's longest known prefix, each with its zones."""
    form = COUNTRIES[country_code].postcode
    postcode = folded(text).upper()
    if form is None or not re.fullmatch(form, postcode, re.ASCII):
        return ()
    by_prefix = _zones_by_prefix(country_code)
    prefixes = (postcode[:length] for length in range(len(postcode), 0, -1))
    return next((by_prefix[prefix] for prefix in prefixes if prefix in by_prefix), ())


@cache
def _zones_by_prefix(country_code: str) -> Mapping[str, Sequence[tuple[State, Zones]]]:
    by_prefix: dict[str, list[tuple[State, Zones]]] = {}
    for state in COUNTRIES[country_code].states:
        for prefixes, zones in state.zones.items():
            for prefix in _expanded(prefixes):
                by_prefix.setdefault(prefix, []).append((state, zones))
    return by_prefix


def _expanded(prefixes: str) -> Iterator[str]:
    """Each prefix of the list: "05 10-12" → "05", "10", "11", "12"."""
    for part in prefixes.split():
        first, _, last = part.partition("-")
        if not last:
            yield first
            continue
        for number in range(int(first), int(last) + 1):
            yield str(number).zfill(len(first))
