"""Places: the time zones by which an address may live."""

from domain.places.zones import zones_of_place

__all__ = ["zones_of_place"]
