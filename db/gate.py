"""The gate of the caches, as SQL: `domain.versions.gives_way`, which a test holds it to."""

from typing import Final

from domain.watermarks import OVERLAP

#: The WHERE of an upsert into a table that it names `cached`; needs the parameter `stamps_may_go_back`.
GIVES_WAY: Final = f"""(
            (coalesce(excluded.zoho_last_modified_at, '-infinity'), excluded.observed_at)
            >= (coalesce(cached.zoho_last_modified_at, '-infinity'), coalesce(cached.observed_at, '-infinity'))
            OR %(stamps_may_go_back)s
               AND excluded.observed_at - interval '{OVERLAP.total_seconds():.0f} seconds'
                   > coalesce(cached.observed_at, '-infinity'))"""
