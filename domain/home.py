"""Home: the country and time zone of an organisation, the defaults for its customers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """The organisation's own country (ISO 3166-1 alpha-2) and time zone (IANA), the defaults for its customers."""

    country_code: str | None
    time_zone: str
