"""Places: the possible time zones of an address."""

from domain.places.zones import zones_of_place

__all__ = ["zones_of_place"]
