"""The country whose zones a policy narrows: the number's own, and not that of the customer's address.

The function `reminder_checks` gets another country as an argument of `clock_problem`. Python's rule is
`domain.phones.verdicts.number_country`, and a test holds the two together. Two revisions replace the function, one at
the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.
"""

from typing import Final

from db.migrations.schemas import SCHEMA, Raw
from db.migrations.steps import briefly

_FUNCTION: Final = f"{SCHEMA}.reminder_checks(timestamptz)"

_OF_ADDRESS: Final = "coalesce(customer.country_code, customer.phone_verdict ->> 'region')"
# Another form of the address's country than above, so that neither text contains the other one.
_OF_NUMBER: Final = """CASE
                WHEN customer.phone_verdict ->> 'kind' IN ('fixed_line', 'mobile', 'fixed_line_or_mobile')
                THEN coalesce(customer.phone_verdict ->> 'region', customer.country_code)
                ELSE coalesce((customer.country_code), customer.phone_verdict ->> 'region') END"""

# A replaced function keeps its owner, its grants and its settings, because pg_get_functiondef writes the whole
# definition.
_REPLACE: Final = """
    DO $replace$ DECLARE definition text := pg_get_functiondef('{function}'::regprocedure); BEGIN
        IF position($new${new}$new$ IN definition) = 0 THEN
            IF position($old${old}$old$ IN definition) = 0 THEN
                RAISE EXCEPTION 'The function {function} is not the one of this release or the one before';
            END IF;
            EXECUTE replace(definition, $old${old}$old$, $new${new}$new$);
        END IF;
    END $replace$
"""


def add(connection: Raw) -> None:
    """Let the function use the number's country."""
    briefly(connection, _REPLACE.format(function=_FUNCTION, old=_OF_ADDRESS, new=_OF_NUMBER))


def remove(connection: Raw) -> None:
    """Let the function use the address's country again, as in the release before.

    A database that had left phase 2 before booksync had a schema of its own has no such function.
    """
    if connection.execute("SELECT WHERE to_regprocedure(%s) IS NULL", [_FUNCTION]).fetchone() is None:
        briefly(connection, _REPLACE.format(function=_FUNCTION, old=_OF_NUMBER, new=_OF_ADDRESS))
