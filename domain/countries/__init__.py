"""Countries: the ISO 3166-1 alpha-2 code of Zoho's free text, and the English name of a code."""

from domain.countries.names import country_name
from domain.countries.reading import LONGEST_NAME, country_code, unknown_country

__all__ = ["LONGEST_NAME", "country_code", "country_name", "unknown_country"]
