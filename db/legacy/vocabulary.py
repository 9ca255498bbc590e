"""The valid values of a customer's id, country and time zone, for rules that are written in SQL.

The values were copied from the domain's rules when the revisions were frozen. Tests compare the values with the present
rules.
"""

from functools import cache
from string import punctuation
from typing import Final

import orjson

from db.migrations.scripts import SQL

_FILE: Final = SQL / "0005_vocabulary.json"

#: The longest accepted id. Zoho's ids have some twenty digits, and an entry of an index has at most 2,700 bytes.
LONGEST_ID: Final = 200

#: The longest country text. A longer text is not a country.
LONGEST_COUNTRY: Final = 100

#: Words that programs and people write instead of an id, without punctuation around them: "#N/A", "<null>".
NO_ID_WORDS: Final = ("n/a", "na", "nan", "nil", "none", "null", "object object", "undefined", "unknown")

#: Characters that a whole id cannot consist of, including the dashes that word processors make from a hyphen.
PUNCTUATION: Final = f"{punctuation} \u2013\u2014"


@cache
def _vocabulary() -> dict[str, dict[str, str]]:
    vocabulary: dict[str, dict[str, str]] = orjson.loads(_FILE.read_bytes())
    return vocabulary


def countries() -> dict[str, str]:
    """Two-letter texts for a country → ISO 3166-1 alpha-2: "UK" → "GB", "GB" → "GB"."""
    return _vocabulary()["countries"]


def country_names() -> dict[str, str]:
    """Other texts for a country, without accents → ISO 3166-1 alpha-2.

    Codes are in upper case with their hyphen or plus ("GB-ENG", "+44"). Names are in lower case, without blanks and
    punctuation. Names in other scripts than the Latin one are left out, because it depends on the database's locale
    whether Postgres can change the case of their letters.
    """
    return _vocabulary()["country_names"]


def zones() -> dict[str, str]:
    """Lower-case name of a time zone → present IANA name: "europe/london" → "Europe/London".

    An older name leads to the present one: "asia/calcutta" → "Asia/Kolkata".

    UTC and GMT are the only names without a slash. Other names without a slash are left out, because Postgres
    interprets some names differently.
    """
    return _vocabulary()["zones"]
