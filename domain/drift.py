"""Drift: where the cache says something else than Zoho, record by record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a record says, without saying it: `digest` covers its content, `modified_at` is Zoho's own time."""

    digest: str
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Drift:
    """The ids that differ, ascending. What Zoho changed after the last sync is not drift: the next sync brings it."""

    zoho: int  #: records there
    cached: int  #: live records here
    missing: tuple[str, ...]  #: in Zoho only
    surplus: tuple[str, ...]  #: in the cache only
    different: tuple[str, ...]
    not_synced_yet: int

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.surplus) + len(self.different)


def drift_between(
    zoho: Mapping[str, Fingerprint], cached: Mapping[str, Fingerprint], *, synced_at: datetime | None
) -> Drift:
    """Compares all of Zoho's records with all live ones of the cache; `synced_at` is the connection's watermark."""
    differing = {
        record_id
        for record_id in zoho.keys() | cached.keys()
        if zoho.get(record_id, _NONE).digest != cached.get(record_id, _NONE).digest
    }
    later = {record_id for record_id in differing if _is_later(zoho.get(record_id), synced_at)}
    drifted = differing - later
    return Drift(
        zoho=len(zoho),
        cached=len(cached),
        missing=tuple(sorted(drifted - cached.keys())),
        surplus=tuple(sorted(drifted - zoho.keys())),
        different=tuple(sorted(drifted & zoho.keys() & cached.keys())),
        not_synced_yet=len(later),
    )


_NONE = Fingerprint("", None)


def _is_later(told: Fingerprint | None, synced_at: datetime | None) -> bool:
    if told is None or told.modified_at is None:
        return False
    return synced_at is None or told.modified_at >= synced_at
