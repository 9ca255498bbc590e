"""The rule in SQL whether a read record replaces the cached one: the same rule as in `domain.versions`.

Each statement with such a condition needs the parameter `%(stamps_may_go_back)s`.
"""

from typing import Final

from domain.watermarks import OVERLAP

#: The SQL expressions of a version: Zoho's time of the last change, and the server's time of the response. Each may be
#: NULL.
SqlVersion = tuple[str, str]

CACHED: Final[SqlVersion] = ("cached.zoho_last_modified_at", "cached.observed_at")
READ: Final[SqlVersion] = ("excluded.zoho_last_modified_at", "excluded.observed_at")

_OVERLAP = f"interval '{OVERLAP.total_seconds():.0f} seconds'"


def stamp_of(invoice: str) -> str:
    """SQL for Zoho's time of the last change in the JSON of an invoice."""
    return f"({invoice} ->> 'modified_at')::timestamptz"


def gives_way(cached: SqlVersion, read: SqlVersion) -> str:
    """The SQL condition under which the version `read` replaces `cached`, as in `domain.versions.gives_way`."""
    return f"({_row(read)} >= {_row(cached)} OR %(stamps_may_go_back)s AND {_goes_back(cached, read)})"


def is_replaced_by(cached: SqlVersion, read: SqlVersion) -> str:
    """The SQL condition under which a read invoice replaces the cached one, as in `domain.versions.is_replaced_by`."""
    return f"({gives_way(cached, read)} AND NOT (%(stamps_may_go_back)s AND {_goes_back(read, cached)}))"


def _goes_back(cached: SqlVersion, read: SqlVersion) -> str:
    (cached_stamp, cached_at), (stamp, read_at) = map(_known, (cached, read))
    return f"({stamp} < {cached_stamp} AND {read_at} - {_OVERLAP} > {cached_at})"


def _row(version: SqlVersion) -> str:
    return f"({', '.join(_known(version))})"


def _known(version: SqlVersion) -> SqlVersion:
    """The version with unknown times replaced by the oldest time, as SQL expressions."""
    stamp, moment = version
    return f"coalesce({stamp}, '-infinity')", f"coalesce({moment}, '-infinity')"


#: The WHERE clause of an upsert into customers_cache, which the upsert names `cached`.
GIVES_WAY: Final = gives_way(CACHED, READ)

#: The WHERE clause of an upsert into invoices_cache, which the upsert names `cached`.
IS_REPLACED: Final = is_replaced_by(CACHED, READ)
