"""Countries: what Zoho's free text means as an ISO 3166-1 alpha-2 code."""

from domain.countries.reading import country_code, unknown_country

__all__ = ["country_code", "unknown_country"]
